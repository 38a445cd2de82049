"""An object store through fsspec."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from fsspec.asyn import get_loop

from downloader.errors import BlockedError, StoreError
from downloader.object_store.error_mapping import map_store_errors
from downloader.object_store.fsspec_open import ObjectInfo, multipart_settings, open_file_system
from downloader.object_store.protocol import StoredObject
from downloader.web.filenames import SafePath
from downloader.web.urls import redact_text

#: Names that fsspec's backends give to the time of modification, and to the ETag.
_MODIFIED_FIELDS = ("LastModified", "last_modified", "updated", "mtime", "created")
_ETAG_FIELDS = ("ETag", "etag", "md5Hash", "content_md5")
_READ_BLOCK_BYTES = 8 * 1024 * 1024
#: S3's limit, and that of other stores: UTF-8 without the bucket's name.
_MAX_KEY_BYTES = 1024
_Result = TypeVar("_Result")
_aborted = threading.Event()


class FsspecStore:
    """The objects below a URL; an :class:`~downloader.object_store.protocol.ObjectStore`.

    Raises, when constructed:
        OutputError: the URL's scheme cannot be written to, or a package is missing.
    """

    def __init__(self, url: str) -> None:
        self.display_url = redact_text(url)
        self._fs, self._root = open_file_system(url, self.display_url)
        self._multipart_settings = multipart_settings(url)
        self._connect_lock = threading.Lock()
        self._connected = False

    def is_empty(self) -> bool:
        """Return whether no object is below the prefix."""
        return self._request(self._is_empty)

    def info(self, path: SafePath) -> StoredObject | None:
        """Describe an object; return None if it does not exist."""

        def info() -> ObjectInfo | None:
            with suppress(FileNotFoundError):
                return self._fs.info(self._key(path))
            return None

        found = self._request(info)
        return self._stored_object(found) if found is not None and found["type"] == "file" else None

    def list_objects(self, folder: str) -> Iterator[StoredObject]:
        """Yield all objects below a folder; for an empty *folder*, those directly in the prefix."""

        def list_all() -> list[ObjectInfo]:
            with suppress(FileNotFoundError):
                if folder:
                    return list(self._fs.find(f"{self._root}/{folder}", detail=True).values())
                return self._fs.ls(self._root, detail=True)
            return []

        for found in self._request(list_all):
            if found["type"] == "file":
                yield self._stored_object(found)

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Download an object and return its hash; return no bytes if it does not exist."""

        def digest() -> bytes:
            with (
                suppress(FileNotFoundError),
                self._fs.open(self._key(path), "rb", block_size=_READ_BLOCK_BYTES) as file,
            ):
                return hashlib.file_digest(file, algorithm).digest()
            return b""

        return self._request(digest)

    def put(self, path: SafePath, data: bytes) -> None:
        """Write an object atomically; an existing object is replaced."""
        self._request(lambda: self._fs.pipe_file(self._key(path), data))

    def upload(self, file: Path, path: SafePath) -> None:
        """Write an object from a local file."""
        self._request(
            lambda: self._fs.put_file(str(file), self._key(path), **self._multipart_settings)
        )

    def download(self, path: SafePath, file: Path) -> None:
        """Write an object to a local file."""
        self._request(lambda: self._fs.get_file(self._key(path), str(file)))

    def copy(self, path: SafePath, target: SafePath) -> None:
        """Copy an object to another key."""
        self._request(lambda: self._fs.cp_file(self._key(path), self._key(target)))

    def delete(self, path: SafePath) -> None:
        """Delete an object, if it exists."""

        def delete() -> None:
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._key(path))

        self._request(delete)

    def _is_empty(self) -> bool:
        # For a prefix below the bucket, exists() lists one key at most.
        if "/" in self._root.strip("/"):
            return not self._fs.exists(self._root)
        with suppress(FileNotFoundError):
            return not self._fs.ls(self._root, detail=True)
        return True

    def _key(self, path: str) -> str:
        """Return the bucket and key of a path.

        Raises:
            BlockedError: the key is longer than S3 and other stores allow.
        """
        key = f"{self._root}/{path}"
        length = len(key.partition("/")[2].encode())
        if length > _MAX_KEY_BYTES:
            raise BlockedError(
                f"its key would have {length} bytes, and {_MAX_KEY_BYTES} is the limit",
                hint="choose a shorter prefix as --output",
            )
        return key

    def _stored_object(self, info: ObjectInfo) -> StoredObject:
        path = SafePath(str(info["name"]).removeprefix(f"{self._root}/"))
        size = info["size"]
        modified = _epoch_seconds(next(filter(None, map(info.get, _MODIFIED_FIELDS)), None))
        etag = next(filter(None, map(info.get, _ETAG_FIELDS)), f"{size} {modified}")
        return StoredObject(path, size if isinstance(size, int) else 0, modified, str(etag))

    def _request(self, function: Callable[[], _Result]) -> _Result:
        """Call *function*, the first time alone: fsspec does not connect in a thread-safe way.

        Raises:
            StoreError: the store failed or refused.
        """
        with map_store_errors(self.display_url):
            if self._connected:
                return _call_unless_aborted(function)
            with self._connect_lock:
                result = _call_unless_aborted(function)
                self._connected = True
                return result


def abort() -> None:
    """Cancel this process's requests to object stores, and refuse later ones."""
    _aborted.set()
    loop = get_loop()

    def cancel() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    loop.call_soon_threadsafe(cancel)


def _call_unless_aborted(function: Callable[[], _Result]) -> _Result:
    """Return the result of *function*.

    Raises:
        StoreError: :func:`abort` was called; fsspec returns None from a cancelled request.
    """
    result = None if _aborted.is_set() else function()
    if result is None and _aborted.is_set():
        raise StoreError("the request was aborted", hint="run the command again to continue")
    return cast("_Result", result)


def _epoch_seconds(moment: object) -> float:
    """Convert a backend's time to seconds since the epoch; return 0 for anything else."""
    with suppress(ValueError):
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else 0.0
