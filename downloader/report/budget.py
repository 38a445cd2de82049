"""Size budgets: limits that a run fails to keep when a site has grown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from downloader.report.diagnostics import OVER_BUDGET, CheckResult, Diagnostic, Level, Location
from downloader.report.file_kinds import FileKind, kind_of
from downloader.report.summary import SizeSummary
from downloader.report.url_record import Record
from downloader.web.text import parse_size

_ANY, _TOTAL = "any", "total"
#: URLs named whose body is too large; further ones are only counted.
_MAX_NAMED = 100
#: Number of the largest bodies to name, if a total is too large.
_MAX_LARGEST = 5


@dataclass(frozen=True, slots=True)
class Budget:
    """Size limits, in bytes of decoded bodies.

    Attributes:
        per_body: for every body, by kind of file; ``any`` stands for all kinds.
        totals: for all bodies together, by kind of file; ``total`` stands for all kinds.
    """

    per_body: Mapping[str, int]
    totals: Mapping[str, int]


def parse_budget(text: str) -> Budget:
    """Parse a text such as ``html=100k,js.total=500k,total=2M``.

    Raises:
        ValueError: a part of it is no limit.
    """
    per_body: dict[str, int] = {}
    totals: dict[str, int] = {}
    for part in text.split(","):
        name, equals, limit = (piece.strip().lower() for piece in part.partition("="))
        kind, dot, suffix = name.partition(".")
        is_known = name in {_ANY, _TOTAL, *FileKind} or (kind in set(FileKind) and suffix == _TOTAL)
        if not equals or not is_known:
            known = ", ".join([*FileKind, _ANY])
            raise ValueError(
                f"{part.strip()!r} is no limit; write NAME=SIZE, where NAME is one of {known} for "
                "every body, or total, html.total and so on for their total size"
            )
        if name == _TOTAL or dot:
            totals[kind] = parse_size(limit)
        else:
            per_body[kind] = parse_size(limit)
    return Budget(per_body, totals)


class BudgetCheck:
    """Checks records against a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._totals = {name: SizeSummary(_MAX_LARGEST) for name in budget.totals}
        self._too_large: list[Diagnostic] = []
        self._too_large_count = 0

    def add(self, record: Record) -> None:
        """Take one record."""
        size = record.decoded_bytes
        if size is None:
            return
        kind = kind_of(record)
        for name in (kind.value, _ANY):
            limit = self._budget.per_body.get(name)
            if limit is not None and size > limit:
                self._too_large_count += 1
                if len(self._too_large) < _MAX_NAMED:
                    message = f"{size:,} bytes, {limit:,} allowed for {name}"
                    self._too_large.append(_over_budget(record.url, message))
                # Each URL is named once.
                break
        for name in (kind.value, _TOTAL):
            if name in self._totals:
                self._totals[name].add(record)

    def result(self) -> CheckResult:
        """Return what exceeds a limit."""
        found = list(self._too_large)
        if self._too_large_count > len(found):
            more = self._too_large_count - len(found)
            found.append(_over_budget("", f"and {more} more URLs over a limit of their own"))
        for name, summary in self._totals.items():
            limit, size = self._budget.totals[name], summary.total.decoded
            if size > limit:
                largest = ", ".join(
                    f"{record.url} ({record.decoded_bytes or 0:,})" for record in summary.largest
                )
                bodies = "all together" if name == _TOTAL else f"all {name} together"
                message = f"{bodies}: {size:,} bytes, {limit:,} allowed; the largest: {largest}"
                found.append(_over_budget("", message, summary.largest))
        return CheckResult("budget", "Over budget", tuple(found))


def _over_budget(url: str, message: str, largest: Sequence[Record] = ()) -> Diagnostic:
    locations = tuple(Location(record.url) for record in largest)
    return Diagnostic(
        rule=OVER_BUDGET, level=Level.ERROR, url=url, message=message, locations=locations
    )
