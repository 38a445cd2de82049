"""The archive of one run, before and after it: made ready, recovered, packed."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.archive import VolumeCallback, wacz
from downloader.archive.file_series import FileSeries, PackVolumes, hold, index_path
from downloader.archive.recorder import disk_error
from downloader.archive.recovery import recover
from downloader.errors import OutputError
from downloader.models import StorageOptions
from downloader.web.text import printable

#: Where the WARC files are that only a WACZ is asked for of, until they are packed.
_PARTS = ".parts"
#: What is locked while a WACZ is made; it has to stay where it is until the parts are gone.
_LOCK = ".lock"
#: So often it is looked for files that have become whole, in whichever process.
_LOOK_SECONDS = 1.0
#: So long the processes of a run that was killed may take to end.
_PATIENCE_SECONDS = 20.0


def series_of(options: StorageOptions) -> FileSeries:
    """Return the WARC files of a run that keeps an archive."""
    if options.pack is not None:
        return PackVolumes(options.output)
    if options.warc is not None:
        return FileSeries(options.warc)
    if options.wacz is None:
        raise ValueError("no archive is asked for")
    return FileSeries(options.wacz.with_name(options.wacz.name + _PARTS) / "data.warc.gz")


class ArchiveSession:
    """What surrounds a run that keeps an archive; an asynchronous context manager.

    Attributes:
        warnings: lines for a person.
        files: what the run has made, in the end.

    Args:
        options: of the run.
        whole, failed: as :func:`downloader.archive.open_session` has them.

    Raises:
        OutputError: on entering, the folder of the archive cannot be used.
        DiskError: on leaving, the disk refuses.
        DownloadError: on leaving, *whole* fails.
    """

    def __init__(
        self,
        options: StorageOptions,
        whole: VolumeCallback | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self.files: list[Path] = []
        self._options = options
        self._series = series_of(options)
        self._whole = whole
        self._failed = failed
        self._told: set[Path] = set()
        #: What was there before: it may hold what the journal does not know of, until all is done.
        self._later: set[Path] = set()
        self._teller: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._before: set[Path] = set()
        #: Keeps other runs from a WACZ of the same name, and from its parts.
        self._held: int | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        if self._whole is not None:
            self._teller = asyncio.create_task(self._tell_now_and_then(), name="volumes")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._teller is not None:
            await asyncio.wait([self._teller])
        await asyncio.to_thread(self._finish)
        if self._teller is not None:
            # Again, if it has failed: then that is what ends the run.
            await self._tell()

    async def _tell_now_and_then(self) -> None:
        try:
            while not self._over.is_set():
                await self._tell()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), _LOOK_SECONDS)
        except Exception as error:
            if self._failed is not None:
                self._failed(error)

    async def _tell(self) -> None:
        """Tell of each file that is whole, and that was not told of."""
        for path in await asyncio.to_thread(self._series.whole):
            due = path not in self._later or self._over.is_set()
            if due and path not in self._told and self._whole is not None:
                await self._whole(path, index_path(path))
                self._told.add(path)

    def _prepare(self) -> None:
        asked = self._options.warc or self._options.wacz or self._options.output
        try:
            for path in (self._options.wacz, self._options.warc):
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
            if self._options.wacz is not None:
                self._held = hold(_lock(self._options.wacz))
            self._series.folder.mkdir(parents=True, exist_ok=True)
            # What only waits to be packed is packed with what this run adds.
            self._before = set() if self._packed_only else set(self._series.whole())
            self.warnings += recover(self._series)
            if self._options.pack is not None:
                self._wait_for_others()
                self._later = set(self._series.whole())
            if not os.access(self._series.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, os.strerror(13))
        except OSError as error:
            self._release()
            shown = printable(str(asked))
            busy = isinstance(error, BlockingIOError)
            why = "another run is keeping one there" if busy else error.strerror
            raise OutputError(f"cannot keep an archive in {shown}: {why}") from error
        except BaseException:
            self._release()
            raise

    @property
    def _packed_only(self) -> bool:
        """Whether the files are only there until a WACZ is made of them."""
        return self._options.wacz is not None and self._options.warc is None

    def _wait_for_others(self) -> None:
        """Recover what the last processes of a killed run still write; the journal is ours.

        Raises:
            OutputError: they do not end.
        """
        patience = time.monotonic() + _PATIENCE_SECONDS
        while writing := self._series.unfinished():
            if time.monotonic() > patience:
                shown = printable(str(writing[0]))
                raise OutputError(f"another process is writing {shown}", hint="wait for it")
            time.sleep(0.05)
            self.warnings += recover(self._series)

    def _finish(self) -> None:
        try:
            # Of a process that died, if there were several.
            self.warnings += recover(self._series)
            made = sorted({*self._series.whole(), *self._told} - self._before)
            if not self._packed_only:
                self.files += made
            if self._options.wacz is not None and made:
                self.files.append(wacz.pack(made, self._options.wacz))
            if self._packed_only:
                for path in made:
                    index_path(path).unlink(missing_ok=True)
                    path.unlink()
                with suppress(OSError):
                    self._series.folder.rmdir()
        except OSError as error:
            raise disk_error(error) from error
        finally:
            self._release()

    def _release(self) -> None:
        """Let other runs have the name."""
        if self._held is not None and self._options.wacz is not None:
            with suppress(OSError):
                _lock(self._options.wacz).unlink()
            os.close(self._held)
            self._held = None


def _lock(path: Path) -> Path:
    return path.with_name(path.name + _LOCK)
