"""Everything that a run is to report, as one thing that the run tells its outcomes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.errors import ReportError
from downloader.models import Outcome
from downloader.report.data import Csv, Json, JsonLines
from downloader.report.files import Report
from downloader.report.html import Html
from downloader.report.record import Run, Totals, record_of, time_text

#: Which report is made, by the ending of its name.
FORMATS: dict[str, Callable[[Path], Report]] = {
    ".json": Json,
    ".jsonl": JsonLines,
    ".csv": Csv,
    ".html": Html,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a run is to report.

    Attributes:
        files: data and pages, each in the format that its ending says.
    """

    files: Sequence[Path] = ()


class Desk(AbstractContextManager["Desk", None]):
    """Takes outcomes and makes reports of them; a context manager.

    Args:
        wishes: what is to be reported.
        output: the folder that files are saved under.

    Raises, when made:
        ReportError: a file cannot be written or read.
    """

    def __init__(self, wishes: Wishes, output: Path) -> None:
        self._output = output
        self._began = time.time()
        self._clock = time.monotonic()
        self._totals = Totals()
        self._reports: list[Report] = []
        _check_names(wishes)
        for path in wishes.files:
            self._reports.append(FORMATS[path.suffix.lower()](path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for report in self._reports:
            report.abandon()

    def add(self, outcome: Outcome) -> None:
        """Take one outcome.

        Raises:
            DiskError: the disk refuses.
        """
        if not self._reports:
            return
        record = record_of(outcome)
        self._totals.add(record)
        for report in self._reports:
            report.add(record)

    async def finish(self, *, untried: int, list_read: bool) -> None:
        """Make all reports, when there are no more outcomes; this may take a while.

        Args:
            untried: lines that were read and not tried.
            list_read: whether the list was read to its end.

        Raises:
            DiskError: the disk refuses.
        """
        seconds = time.monotonic() - self._clock
        started = time_text(self._began) or ""
        run = Run(started, seconds, untried, list_read, self._totals, self._output)
        for report in self._reports:
            # The terminal goes on meanwhile.
            await asyncio.to_thread(report.finish, run)


def _check_names(wishes: Wishes) -> None:
    """Check that no two reports have one name.

    Raises:
        ReportError: two have.
    """
    seen: set[Path] = set()
    for path in wishes.files:
        place = path.absolute()
        if place in seen:
            raise ReportError(f"{path} is named twice", hint="give each report a name of its own")
        seen.add(place)
