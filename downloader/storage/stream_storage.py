"""A storage that writes one whole body to standard output, a pipe or a device."""

import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

from downloader.errors import DiskError
from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.null_storage import NullStorage
from downloader.storage.part_file import do_nothing
from downloader.storage.storage import PartFile
from downloader.web.filenames import SafePath

#: Stands for standard output.
STDOUT = Path("-")
_COPY_BYTES = 1024 * 1024


class StreamStorage(NullStorage):
    """A :class:`Storage` without files that writes a body once it is whole and verified.

    So nothing has to be taken back when an attempt fails. A large body waits in a temporary file.

    Args:
        path: where bodies go; :data:`STDOUT` for standard output.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def save(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None] = do_nothing,
    ) -> str:
        """Write a small body whole."""
        await self._executor.run(partial(self._save, data, before_publish))
        return ""

    @asynccontextmanager
    async def open_part(self, path: SafePath, *, resume: bool = False) -> AsyncIterator[PartFile]:
        """Open a temporary file, which is written to the stream when it is committed."""
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, by a thread
        except OSError as error:
            raise DiskError(
                f"cannot create a temporary file: {error.strerror}", hint="set TMPDIR"
            ) from error
        try:
            yield _TemporaryPart(file, self._executor, self._copy)
        finally:
            await self._executor.run(file.close)

    def _save(self, data: bytes, before_publish: Callable[[], None]) -> None:
        before_publish()
        self._write_all([data])

    def _copy(self, file: BinaryIO) -> None:
        file.seek(0)
        self._write_all(iter(lambda: file.read(_COPY_BYTES), b""))

    def _write_all(self, pieces: Iterable[bytes]) -> None:
        """Write *pieces* to the stream.

        Raises:
            DiskError: it cannot be written.
        """
        try:
            if self._path == STDOUT:
                # Not through sys.stdout, whose buffer would be written at exit.
                with open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as stream:
                    _write_pieces(stream, pieces)
            else:
                with self._path.open("wb", buffering=0) as stream:
                    _write_pieces(stream, pieces)
        except OSError as error:
            name = "standard output" if self._path == STDOUT else str(self._path)
            raise DiskError(
                f"cannot write to {name}: {error.strerror}", hint="see --output"
            ) from error


class _TemporaryPart:
    """A :class:`PartFile` that is copied to a stream instead of renamed."""

    def __init__(
        self, file: BinaryIO, executor: BatchingExecutor, copy: Callable[[BinaryIO], None]
    ) -> None:
        self.size = 0
        self.keep = False
        self._file = file
        self._executor = executor
        self._copy = copy
        self._observer: Callable[[bytes], None] = lambda _: None

    def set_observer(self, observer: Callable[[bytes], None]) -> None:
        """Call *observer* with each piece, in order and in a thread, as it is written."""
        self._observer = observer

    async def read_existing(self) -> AsyncIterator[bytes]:
        """Yield nothing."""
        nothing: tuple[bytes, ...] = ()
        for block in nothing:
            yield block

    async def write(self, data: bytes) -> None:
        """Append *data* to the temporary file.

        Raises:
            DiskError: the disk refuses.
        """
        await self._executor.run(partial(self._observe_and_write, data))

    async def flush(self) -> None:
        """Do nothing: what is written is never read by another process."""

    async def commit(
        self, options: PublishOptions, before_publish: Callable[[], None] = do_nothing
    ) -> str:
        """Write everything to the stream.

        Raises:
            DiskError: it cannot be written.
        """
        await self._executor.run(before_publish)
        await self._executor.run(partial(self._copy, self._file))
        return ""

    def _observe_and_write(self, data: bytes) -> None:
        self._observer(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise DiskError(
                f"cannot write a temporary file: {error.strerror}", hint="set TMPDIR"
            ) from error


def _write_pieces(stream: RawIOBase, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        with memoryview(piece) as view:
            written = 0
            while written < len(piece):
                written += stream.write(view[written:]) or 0
