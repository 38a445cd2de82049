"""The run as a whole, as reports show it."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from downloader._version import __version__
from downloader.models.changes import ChangeKind
from downloader.models.outcome_conversion import rounded
from downloader.models.url_record import Record, Result
from downloader.report.compare import Comparison
from downloader.report.diagnostics import CheckResult


@dataclass(slots=True)
class ReportTotals:
    """Totals over the records of a run.

    Attributes:
        urls: the number of records.
        results: the number of records by result.
        wire_bytes, decoded_bytes: of all bodies; of a page that has two addresses, once.
    """

    urls: int = 0
    results: dict[Result, int] = field(default_factory=dict)
    wire_bytes: int = 0
    decoded_bytes: int = 0

    def add(self, record: Record) -> None:
        """Count one record."""
        self.urls += 1
        self.results[record.outcome] = self.results.get(record.outcome, 0) + 1
        if record.same_as is not None:
            return
        self.wire_bytes += record.wire_bytes or 0
        self.decoded_bytes += record.decoded_bytes or 0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The facts that a report has of the run as a whole.

    Attributes:
        started: when it began: UTC, as RFC 3339 writes it.
        seconds: its duration.
        untried: the number of lines that were read but not tried, because the run was stopped.
        list_read: whether the list was read to its end.
        totals: over its records.
        output: the folder of the saved files; None if they are not on this machine.
        comparison: with an earlier report, if requested.
        checks: the results of the checks that were requested, such as that of a budget.
        rewritten: whether saved files may differ from their records, as pages of a mirror do.
    """

    started: str
    seconds: float
    untried: int
    list_read: bool
    totals: ReportTotals
    output: Path | None
    comparison: Comparison | None = None
    checks: tuple[CheckResult, ...] = ()
    rewritten: bool = False

    @property
    def complete(self) -> bool:
        """Whether every line was tried."""
        return self.list_read and not self.untried

    @property
    def violations(self) -> list[str]:
        """Sentences that name what the checks have found."""
        return [line for check in self.checks for line in check.lines]

    def as_dict(self) -> dict[str, object]:
        """Return the members of the JSON object that describes the run."""
        totals = self.totals
        counted = [each for each in Result if each is not Result.NOT_TRIED]
        return {
            "program": "download",
            "version": __version__,
            "started": self.started,
            "seconds": rounded(self.seconds),
            "complete": self.complete,
            "urls": totals.urls,
            **{each.value: totals.results.get(each, 0) for each in counted},
            "wire_bytes": totals.wire_bytes,
            "decoded_bytes": totals.decoded_bytes,
            "comparison": _comparison_dict(self.comparison) if self.comparison else None,
        }

    def as_json(self) -> str:
        """Return that object as text."""
        return json.dumps(self.as_dict(), separators=(",", ":"))


def _comparison_dict(comparison: Comparison) -> dict[str, object]:
    gone = comparison.changes.get(ChangeKind.GONE)
    return {
        "since": str(comparison.path),
        "counts": {kind.value: count for kind, count in comparison.counts()},
        "gone": [change.url for change in gone.shown] if gone else [],
        "reservations": comparison.reservations,
    }


def not_tried(run: RunRecord) -> Record:
    """Return the last record of a run that was stopped before its end."""
    lines = f"{run.untried} line{'' if run.untried == 1 else 's'}"
    rest = "" if run.list_read else " and what follows in the list"
    were = "was" if run.untried == 1 and run.list_read else "were"
    message = f"the run was stopped: {lines}{rest} {were} not tried"
    return Record(url="", outcome=Result.NOT_TRIED, message=message)
