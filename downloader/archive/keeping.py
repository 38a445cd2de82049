"""The archive of one run, before and after it: made ready, recovered, packed."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.archive import wacz
from downloader.archive.names import Series, hold, index_path
from downloader.archive.recorder import disk_error
from downloader.archive.recovery import recover
from downloader.errors import OutputError
from downloader.models import Options
from downloader.text import printable

#: Where the WARC files are that only a WACZ is asked for of, until they are packed.
_PARTS = ".parts"
#: What is locked while a WACZ is made; it has to stay where it is until the parts are gone.
_LOCK = ".lock"


def series_of(options: Options) -> Series:
    """Return the WARC files of a run that keeps an archive."""
    if options.warc is not None:
        return Series(options.warc)
    if options.wacz is None:
        raise ValueError("no archive is asked for")
    return Series(options.wacz.with_name(options.wacz.name + _PARTS) / "data.warc.gz")


class Keeping:
    """What surrounds a run that keeps an archive; an asynchronous context manager.

    Attributes:
        warnings: lines for a person.
        files: what the run has made, in the end.

    Raises:
        OutputError: on entering, the folder of the archive cannot be used.
        DiskError: on leaving, the disk refuses.
    """

    def __init__(self, options: Options) -> None:
        self.warnings: list[str] = []
        self.files: list[Path] = []
        self._options = options
        self._series = series_of(options)
        self._before: set[Path] = set()
        #: Keeps other runs from a WACZ of the same name, and from its parts.
        self._held: int | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._finish)

    def _prepare(self) -> None:
        asked = self._options.warc or self._options.wacz
        try:
            for path in (self._options.wacz, self._options.warc):
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
            if self._options.wacz is not None:
                self._held = hold(_lock(self._options.wacz))
            self._series.folder.mkdir(parents=True, exist_ok=True)
            # What only waits to be packed is packed with what this run adds.
            self._before = set(self._series.whole()) if self._options.warc else set()
            self.warnings += recover(self._series)
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

    def _finish(self) -> None:
        try:
            # Of a process that died, if there were several.
            self.warnings += recover(self._series)
            made = [path for path in self._series.whole() if path not in self._before]
            if self._options.warc is not None:
                self.files += made
            if self._options.wacz is not None and made:
                self.files.append(wacz.pack(made, self._options.wacz))
            if self._options.warc is None:
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
