"""The archive of one run, before and after its transfers: prepare, recover, publish, pack."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.archive import VolumeCallback, wacz
from downloader.archive.file_series import FileSeries, PackVolumes, index_path, lock_file
from downloader.archive.recorder import disk_error
from downloader.archive.recovery import recover
from downloader.errors import OutputError
from downloader.models import StorageOptions
from downloader.web.text import printable

#: The suffix of the folder with the WARC files of a run that keeps only a WACZ.
_PARTS_SUFFIX = ".parts"
#: The suffix of a WACZ's lock file, which exists until the WACZ is complete.
_LOCK_SUFFIX = ".lock"
#: How often completed files, of any process of the run, are looked for.
_SCAN_INTERVAL_SECONDS = 1.0
#: How long to wait for processes of a killed run to end.
_WRITERS_EXIT_SECONDS = 20.0
_WRITERS_POLL_SECONDS = 0.05


def series_of(options: StorageOptions) -> FileSeries:
    """Return the WARC files that a run writes.

    Raises:
        ValueError: it writes no archive.
    """
    if options.pack is not None:
        return PackVolumes(options.output)
    if options.warc is not None:
        return FileSeries(options.warc)
    if options.wacz is None:
        raise ValueError("the options name no archive")
    return FileSeries(options.wacz.with_name(options.wacz.name + _PARTS_SUFFIX) / "data.warc.gz")


class ArchiveSession:
    """Surrounds a run that writes an archive; an asynchronous context manager.

    Attributes:
        warnings: one line each, for the user.
        files: the files that the run has made, once it has been left.

    Args:
        options: the options of the run.
        on_volume, on_error: see :func:`downloader.archive.open_session`.

    Raises:
        OutputError: on entering, the folder of the archive cannot be used.
        DiskError: on leaving, the archive cannot be written.
        DownloadError: on leaving, *on_volume* fails.
    """

    def __init__(
        self,
        options: StorageOptions,
        on_volume: VolumeCallback | None = None,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self.files: list[Path] = []
        self._options = options
        self._series = series_of(options)
        self._on_volume = on_volume
        self._on_error = on_error
        self._announced: set[Path] = set()
        #: Earlier runs' volumes. They may hold orphans, which the run looks up, so they are
        #: announced at its end.
        self._volumes_at_start: set[Path] = set()
        self._scan_task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        #: Complete files of earlier runs, which are not among this run's files.
        self._files_of_earlier_runs: set[Path] = set()
        #: The descriptor of the lock file, which keeps other runs from the same WACZ.
        self._lock_fd: int | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        if self._on_volume is not None:
            self._scan_task = asyncio.create_task(self._scan(), name="volumes")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._scan_task is not None:
            await asyncio.wait([self._scan_task])
        await asyncio.to_thread(self._finish)
        if self._scan_task is not None:
            # A volume whose announcement failed is announced again; this failure ends the run.
            await self._announce()

    async def _scan(self) -> None:
        try:
            while not self._over.is_set():
                await self._announce()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), _SCAN_INTERVAL_SECONDS)
        except Exception as error:
            if self._on_error is not None:
                self._on_error(error)

    async def _announce(self) -> None:
        """Call *on_volume* for each complete file that has not been announced."""
        for path in await asyncio.to_thread(self._series.complete_files):
            is_due = path not in self._volumes_at_start or self._over.is_set()
            if is_due and path not in self._announced and self._on_volume is not None:
                await self._on_volume(path, index_path(path))
                self._announced.add(path)

    def _prepare(self) -> None:
        requested = self._options.warc or self._options.wacz or self._options.output
        try:
            for path in (self._options.wacz, self._options.warc):
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
            if self._options.wacz is not None:
                self._lock_fd = lock_file(_lock_path(self._options.wacz))
            self._series.folder.mkdir(parents=True, exist_ok=True)
            if not self._keeps_only_wacz:
                self._files_of_earlier_runs = set(self._series.complete_files())
            self.warnings += recover(self._series)
            if self._options.pack is not None:
                self._wait_for_writers()
                self._volumes_at_start = set(self._series.complete_files())
            if not os.access(self._series.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, os.strerror(13))
        except OSError as error:
            self._release_lock()
            is_locked = isinstance(error, BlockingIOError)
            reason = "another run is writing it" if is_locked else error.strerror
            raise OutputError(
                f"cannot write the archive {printable(str(requested))}: {reason}"
            ) from error
        except BaseException:
            self._release_lock()
            raise

    @property
    def _keeps_only_wacz(self) -> bool:
        """Whether the WARC files are deleted once they have been packed as WACZ."""
        return self._options.wacz is not None and self._options.warc is None

    def _wait_for_writers(self) -> None:
        """Wait for processes of a killed run that still write, and recover their files.

        The journal's lock is this run's, so no other run can be writing.

        Raises:
            OutputError: they do not end.
        """
        deadline = time.monotonic() + _WRITERS_EXIT_SECONDS
        while open_files := self._series.open_files():
            if time.monotonic() > deadline:
                path = printable(str(open_files[0]))
                raise OutputError(f"another process is writing {path}", hint="wait for it")
            time.sleep(_WRITERS_POLL_SECONDS)
            self.warnings += recover(self._series)

    def _finish(self) -> None:
        try:
            # A worker process of this run may have died.
            self.warnings += recover(self._series)
            complete = {*self._series.complete_files(), *self._announced}
            made = sorted(complete - self._files_of_earlier_runs)
            if not self._keeps_only_wacz:
                self.files += made
            if self._options.wacz is not None and made:
                self.files.append(wacz.write_wacz(made, self._options.wacz))
            if self._keeps_only_wacz:
                for path in made:
                    index_path(path).unlink(missing_ok=True)
                    path.unlink()
                with suppress(OSError):
                    self._series.folder.rmdir()
        except OSError as error:
            raise disk_error(error) from error
        finally:
            self._release_lock()

    def _release_lock(self) -> None:
        if self._lock_fd is not None and self._options.wacz is not None:
            with suppress(OSError):
                _lock_path(self._options.wacz).unlink()
            os.close(self._lock_fd)
            self._lock_fd = None


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + _LOCK_SUFFIX)
