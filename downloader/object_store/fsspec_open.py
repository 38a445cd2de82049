"""Have fsspec open a store, with limits that keep a run from hanging or filling memory."""

import logging
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Protocol, cast

from fsspec.config import conf
from fsspec.core import url_to_fs

from downloader.errors import OutputError
from downloader.object_store.destination import EXTRA
from downloader.object_store.error_mapping import first_line

#: What a store says of an object, in its own words.
Facts = Mapping[str, object]
#: So many requests at once; storage/remote.py has as many threads.
AT_ONCE = 32
#: What is larger than two of them goes in pieces of this size, so many of them at once.
_PIECE = 16 * 1024 * 1024
_PIECES = 2
_S3 = ("s3", "s3a")
#: Settings of botocore: s3fs tries again by itself what it gives up.
_S3_CONFIG: Mapping[str, object] = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"mode": "standard", "total_max_attempts": 2},
    "max_pool_connections": AT_ONCE,
}
#: Parts of a prefix that are not everywhere understood to the letter.
_UNSTEADY = frozenset({"", ".", ".."})
#: fsspec has these, and they cannot hold what is saved.
_NOT_WRITTEN = ("http", "https", "data", "zip", "tar", "github", "git")


#: Their debug logs hold bodies, and tokens that were given for a while.
_TALKATIVE = ("s3fs", "botocore", "aiobotocore", "urllib3")


class FileSystem(Protocol):
    """What is used of fsspec's file systems."""

    def exists(self, path: str) -> bool:
        """Return whether there is something."""

    def info(self, path: str) -> Facts:
        """Return what is known of something."""

    def ls(self, path: str, *, detail: bool) -> list[Facts]:
        """List a folder."""

    def find(self, path: str, *, detail: bool) -> dict[str, Facts]:
        """List all that is below a folder."""

    def open(self, path: str, mode: str, *, block_size: int) -> BufferedIOBase:
        """Open an object to be read."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Make an object of bytes."""

    def put_file(self, lpath: str, rpath: str, **settings: int) -> object:
        """Make an object of a local file."""

    def get_file(self, rpath: str, lpath: str) -> object:
        """Write an object to a local file."""

    def cp_file(self, path1: str, path2: str) -> object:
        """Copy an object."""

    def rm_file(self, path: str) -> object:
        """Remove an object."""


def opened(url: str, shown: str) -> tuple[FileSystem, str]:
    """Return the file system of *url*, and the path in it.

    Raises:
        OutputError: it is of no store that can be written to, or a package is missing.
    """
    scheme, _, place = url.partition("://")
    if scheme in _NOT_WRITTEN or "::" in url:
        raise OutputError(
            f"{shown} is no place to save in", hint="name a folder or s3://BUCKET/PREFIX"
        )
    if _UNSTEADY.intersection(place.rstrip("/").split("/")[1:]):
        # Packages, servers and proxies differ in which key that is.
        raise OutputError(
            f"{shown} has an empty part, or one that is . or ..",
            hint="name a prefix without",
        )
    for log in _TALKATIVE:
        logging.getLogger(log).setLevel(logging.INFO)
    try:
        made, path = url_to_fs(url, **_settings(scheme))
    except ImportError as error:
        # fsspec knows which package has that scheme.
        hint = EXTRA if scheme in _S3 else first_line(error)
        raise OutputError(f"a package for {scheme}:// is missing", hint=hint) from error
    except Exception as error:
        raise OutputError(
            f"cannot save in {shown}: {first_line(error)}",
            hint="name a folder or s3://BUCKET/PREFIX",
        ) from error
    if not path.strip("/"):
        raise OutputError(f"{shown} names no bucket", hint="as in s3://BUCKET/PREFIX")
    return cast("FileSystem", made), path.rstrip("/")


def put_settings(url: str) -> dict[str, int]:
    """Return how large files are to be uploaded to *url*."""
    if url.partition("://")[0].lower() not in _S3:
        return {}
    return {"chunksize": _PIECE, "max_concurrency": _PIECES}


def _settings(scheme: str) -> dict[str, object]:
    """Return what a file system is made with, besides what the user has set for fsspec."""
    # Answers must be those of now, and connections not be another's.
    settings: dict[str, object] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme in _S3:
        own = conf.get("s3", {}).get("config_kwargs", {})
        settings["config_kwargs"] = {**_S3_CONFIG, **own}
    return settings
