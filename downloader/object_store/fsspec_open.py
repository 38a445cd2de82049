"""Opens a store with fsspec, with timeouts and limits on connections and memory."""

import logging
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Protocol, cast

from fsspec.config import conf
from fsspec.core import url_to_fs

from downloader.errors import OutputError
from downloader.object_store.destination import INSTALL_HINT
from downloader.object_store.error_mapping import first_line

#: fsspec's description of an object: ``name``, ``size``, ``type``, and fields of the backend.
ObjectInfo = Mapping[str, object]
#: Concurrent requests to a store; ``storage.object_storage`` has as many threads.
MAX_CONNECTIONS = 32
#: Files larger than two parts use a multipart upload, with parts of this size.
_PART_BYTES = 16 * 1024 * 1024
#: Concurrent parts of one multipart upload; they are held in memory.
_MAX_CONCURRENT_PARTS = 2
_S3_SCHEMES = ("s3", "s3a")
#: Settings of botocore. Few attempts, because s3fs retries what botocore gives up.
_S3_CONFIG: Mapping[str, object] = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"mode": "standard", "total_max_attempts": 2},
    "max_pool_connections": MAX_CONNECTIONS,
}
#: Segments of a prefix that packages, servers and proxies normalize differently.
_AMBIGUOUS_SEGMENTS = frozenset({"", ".", ".."})
#: Schemes of fsspec that are read-only or not a place for saved files.
_UNSUPPORTED_SCHEMES = ("http", "https", "data", "zip", "tar", "github", "git")
#: Loggers whose debug messages contain bodies and temporary tokens.
_SECRET_LOGGERS = ("s3fs", "botocore", "aiobotocore", "urllib3")
_USAGE_HINT = "name a folder or s3://BUCKET/PREFIX"


class FileSystem(Protocol):
    """The methods of ``fsspec.AbstractFileSystem`` that are used."""

    def exists(self, path: str) -> bool:
        """Return whether an object or folder exists."""

    def info(self, path: str) -> ObjectInfo:
        """Describe an object or folder."""

    def ls(self, path: str, *, detail: bool) -> list[ObjectInfo]:
        """List a folder."""

    def find(self, path: str, *, detail: bool) -> dict[str, ObjectInfo]:
        """List all objects below a folder."""

    def open(self, path: str, mode: str, *, block_size: int) -> BufferedIOBase:
        """Open an object for reading."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Write bytes to an object."""

    def put_file(self, lpath: str, rpath: str, **settings: int) -> object:
        """Upload a local file."""

    def get_file(self, rpath: str, lpath: str) -> object:
        """Download an object to a local file."""

    def cp_file(self, path1: str, path2: str) -> object:
        """Copy an object."""

    def rm_file(self, path: str) -> object:
        """Delete an object."""


def open_file_system(url: str, display_url: str) -> tuple[FileSystem, str]:
    """Return the file system of *url*, and the path of the prefix in it.

    Raises:
        OutputError: the URL's scheme cannot be written to, or a package is missing.
    """
    scheme, _, location = url.partition("://")
    if scheme in _UNSUPPORTED_SCHEMES or "::" in url:
        raise OutputError(f"cannot save files in {display_url}", hint=_USAGE_HINT)
    if _AMBIGUOUS_SEGMENTS.intersection(location.rstrip("/").split("/")[1:]):
        raise OutputError(
            f"{display_url} has an empty segment, or a segment that is . or ..",
            hint="choose a prefix without them",
        )
    for name in _SECRET_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        file_system, path = url_to_fs(url, **_storage_options(scheme))
    except ImportError as error:
        # fsspec's message names the package that provides the scheme.
        hint = INSTALL_HINT if scheme in _S3_SCHEMES else first_line(error)
        raise OutputError(f"a package for {scheme}:// is missing", hint=hint) from error
    except Exception as error:
        raise OutputError(
            f"cannot save files in {display_url}: {first_line(error)}", hint=_USAGE_HINT
        ) from error
    if not path.strip("/"):
        raise OutputError(f"{display_url} names no bucket", hint="as in s3://BUCKET/PREFIX")
    return cast("FileSystem", file_system), path.rstrip("/")


def multipart_settings(url: str) -> dict[str, int]:
    """Return the arguments of ``put_file`` for multipart uploads; none for stores without them."""
    if url.partition("://")[0].lower() not in _S3_SCHEMES:
        return {}
    return {"chunksize": _PART_BYTES, "max_concurrency": _MAX_CONCURRENT_PARTS}


def _storage_options(scheme: str) -> dict[str, object]:
    """Return fsspec's storage options; the user's own from fsspec's configuration win."""
    # Cached listings would be stale, and a cached instance may belong to another event loop.
    settings: dict[str, object] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme in _S3_SCHEMES:
        configured = conf.get("s3", {}).get("config_kwargs", {})
        settings["config_kwargs"] = {**_S3_CONFIG, **configured}
    return settings
