"""Limits of what a run may weigh, which guard a site against growing."""

from collections.abc import Mapping
from dataclasses import dataclass

from downloader.report.file_kinds import FileKind, kind_of
from downloader.report.record import Record
from downloader.report.summary import SizeSummary
from downloader.web.text import parse_size, printable

_ANY, _TOTAL = "any", "total"
#: Of what is over a limit of its own so many are named, and the others counted.
_MOST_NAMED = 100
#: Where a sum is too large, so many of the largest are named.
_LARGEST = 5


@dataclass(frozen=True, slots=True)
class Budget:
    """What bodies may weigh, in bytes as they are saved.

    Attributes:
        each: of one URL, by kind of file; ``any`` for whatever kind.
        sums: of all together, by kind of file; ``total`` for whatever kind.
    """

    each: Mapping[str, int]
    sums: Mapping[str, int]


def parse_budget(text: str) -> Budget:
    """Return the limits that a text such as ``html=100k,js.total=500k,total=2M`` sets.

    Raises:
        ValueError: it sets none that is known.
    """
    each: dict[str, int] = {}
    sums: dict[str, int] = {}
    for part in text.split(","):
        name, equals, limit = (piece.strip().lower() for piece in part.partition("="))
        kind, dot, of_sum = name.partition(".")
        if not equals or not (
            (name in {_ANY, _TOTAL, *FileKind}) or (kind in set(FileKind) and of_sum == _TOTAL)
        ):
            known = ", ".join([*FileKind, _ANY])
            raise ValueError(
                f"{part.strip()!r} is no limit; write NAME=SIZE with {known} for each URL, "
                "or total or html.total and so on for all of them"
            )
        if name == _TOTAL or dot:
            sums[kind] = parse_size(limit)
        else:
            each[kind] = parse_size(limit)
    return Budget(each, sums)


class BudgetCheck:
    """Holds records against a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._sums = {name: SizeSummary(_LARGEST) for name in budget.sums}
        self._over: list[str] = []
        self._count = 0

    def add(self, record: Record) -> None:
        """Take one record."""
        size = record.decoded_bytes
        if size is None:
            return
        kind = kind_of(record)
        for name in (kind.value, _ANY):
            limit = self._budget.each.get(name)
            if limit is not None and size > limit:
                self._count += 1
                if len(self._over) < _MOST_NAMED:
                    shown = printable(record.url)
                    self._over.append(f"{shown}: {size:,} bytes, {limit:,} allowed for {name}")
                break
        for name in (kind.value, _TOTAL):
            if name in self._sums:
                self._sums[name].add(record)

    def lines(self) -> list[str]:
        """Return what is over budget, as sentences that name URLs; none if nothing is."""
        lines = list(self._over)
        if self._count > len(lines):
            lines.append(f"and {self._count - len(lines)} more URLs over a limit of their own")
        for name, summary in self._sums.items():
            limit, spent = self._budget.sums[name], summary.total.decoded
            if spent > limit:
                largest = ", ".join(
                    f"{printable(record.url)} ({record.decoded_bytes or 0:,})"
                    for record in summary.largest
                )
                what = "all together" if name == _TOTAL else f"all {name} together"
                lines.append(f"{what}: {spent:,} bytes, {limit:,} allowed; the largest: {largest}")
        return lines
