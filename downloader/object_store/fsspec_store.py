"""One prefix of an object store, by fsspec."""

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
from downloader.object_store.error_mapping import translated
from downloader.object_store.fsspec_open import Facts, opened, put_settings
from downloader.object_store.protocol import StoredObject
from downloader.web.filenames import SafePath
from downloader.web.urls import conceal

#: Where stores say when an object came to be, and what changes with it.
_MODIFIED = ("LastModified", "last_modified", "updated", "mtime", "created")
_MARKS = ("ETag", "etag", "md5Hash", "content_md5")
#: An object is read in blocks of this size.
_BLOCK = 8 * 1024 * 1024
#: In bytes, of UTF-8, without the bucket.
_LONGEST_KEY = 1024
_Result = TypeVar("_Result")
_aborted = threading.Event()


class FsspecStore:
    """The objects below a URL; a :class:`~downloader.object_store.protocol.ObjectStore`.

    Raises, when made:
        OutputError: the URL is of no store that can be written to, or a package is missing.
    """

    def __init__(self, url: str) -> None:
        self.shown = conceal(url)
        self._fs, self._root = opened(url, self.shown)
        self._put_settings = put_settings(url)
        self._connecting = threading.Lock()
        self._connected = False

    def is_empty(self) -> bool:
        """Return whether there is no object below the prefix."""
        return self._ask(self._is_empty)

    def find(self, path: SafePath) -> StoredObject | None:
        """Return what is known of an object, or None if there is none."""

        def find() -> Facts | None:
            with suppress(FileNotFoundError):
                return self._fs.info(self._at(path))
            return None

        facts = self._ask(find)
        return self._object(facts) if facts is not None and facts["type"] == "file" else None

    def below(self, folder: str) -> Iterator[StoredObject]:
        """Yield the objects below a folder; of the prefix itself only those that are in none."""

        def all_of_it() -> list[Facts]:
            with suppress(FileNotFoundError):
                if folder:
                    return list(self._fs.find(f"{self._root}/{folder}", detail=True).values())
                return self._fs.ls(self._root, detail=True)
            return []

        for facts in self._ask(all_of_it):
            if facts["type"] == "file":
                yield self._object(facts)

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the hash of an object; of one that is not there, nothing."""

        def digest() -> bytes:
            with (
                suppress(FileNotFoundError),
                self._fs.open(self._at(path), "rb", block_size=_BLOCK) as file,
            ):
                return hashlib.file_digest(file, algorithm).digest()
            return b""

        return self._ask(digest)

    def put(self, path: SafePath, data: bytes) -> None:
        """Make an object of *data*."""
        self._ask(lambda: self._fs.pipe_file(self._at(path), data))

    def upload(self, file: Path, path: SafePath) -> None:
        """Make an object of a local file."""
        self._ask(lambda: self._fs.put_file(str(file), self._at(path), **self._put_settings))

    def fetch(self, path: SafePath, file: Path) -> None:
        """Write an object to a local file."""
        self._ask(lambda: self._fs.get_file(self._at(path), str(file)))

    def copy(self, path: SafePath, to: SafePath) -> None:
        """Copy an object to another key."""
        self._ask(lambda: self._fs.cp_file(self._at(path), self._at(to)))

    def remove(self, path: SafePath) -> None:
        """Remove an object, if it is there."""

        def remove() -> None:
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._at(path))

        self._ask(remove)

    def _is_empty(self) -> bool:
        # With a key below the bucket this takes no listing, however much is there.
        if "/" in self._root.strip("/"):
            return not self._fs.exists(self._root)
        with suppress(FileNotFoundError):
            return not self._fs.ls(self._root, detail=True)
        return True

    def _at(self, path: str) -> str:
        """Return where something is.

        Raises:
            BlockedError: S3 has no key so long, and neither have the others.
        """
        there = f"{self._root}/{path}"
        length = len(there.partition("/")[2].encode())
        if length > _LONGEST_KEY:
            raise BlockedError(
                f"its key would have {length} bytes, and {_LONGEST_KEY} is the most",
                hint="choose a shorter prefix as --output",
            )
        return there

    def _object(self, facts: Facts) -> StoredObject:
        path = SafePath(str(facts["name"]).removeprefix(f"{self._root}/"))
        size = facts["size"]
        modified = _seconds(next(filter(None, map(facts.get, _MODIFIED)), None))
        mark = next(filter(None, map(facts.get, _MARKS)), f"{size} {modified}")
        return StoredObject(path, size if isinstance(size, int) else 0, modified, str(mark))

    def _ask(self, question: Callable[[], _Result]) -> _Result:
        """Return the answer to *question*; the first one alone connects, because that is not safe.

        Raises:
            StoreError: the store refuses.
        """
        with translated(self.shown):
            if self._connected:
                return _unless_aborted(question)
            with self._connecting:
                answer = _unless_aborted(question)
                self._connected = True
                return answer


def abort() -> None:
    """Give up all requests of this process to stores; those that follow are refused."""
    _aborted.set()
    loop = get_loop()

    def cancel() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    loop.call_soon_threadsafe(cancel)


def _unless_aborted(question: Callable[[], _Result]) -> _Result:
    """Return the answer to *question*.

    Raises:
        StoreError: it was aborted; fsspec takes what was cancelled for done.
    """
    answer = None if _aborted.is_set() else question()
    if answer is None and _aborted.is_set():
        raise StoreError("the request was given up", hint="run it again to go on")
    return cast("_Result", answer)


def _seconds(moment: object) -> float:
    """Return a moment that a store told in seconds since the epoch; 0 for what is none."""
    with suppress(ValueError):
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else 0.0
