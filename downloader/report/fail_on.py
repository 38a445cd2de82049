"""``--fail-on``: the changes since an earlier report that a run is to fail on."""

import re
from dataclasses import dataclass
from pathlib import Path

from downloader.models.changes import Aspect, ChangeKind, UrlChange
from downloader.report.diagnostics import (
    CHANGE,
    UNWANTED_CHANGE,
    CheckResult,
    Diagnostic,
    Level,
)
from downloader.web.text import format_size, parse_size

_GROWN = "grown"
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*%")
#: URLs named of each level; further ones are only counted.
_MAX_NAMED = 100
_KINDS = {kind.replace(" ", "-"): kind for kind in ChangeKind if kind.is_change}


@dataclass(frozen=True, slots=True)
class FailOn:
    """Unwanted changes.

    Attributes:
        kinds: of changes.
        aspects: what must not change.
        max_growth_percent: by how much a body may grow, in percent of its earlier size, if limited.
        max_growth_bytes: by how much it may grow in bytes, if limited.
    """

    kinds: frozenset[ChangeKind] = frozenset()
    aspects: frozenset[Aspect] = frozenset()
    max_growth_percent: float | None = None
    max_growth_bytes: int | None = None

    def reason(self, change: UrlChange) -> str:
        """Return why *change* is unwanted, in few words; empty if it is not."""
        if change.kind in self.kinds:
            return change.label
        if unwanted := [each for each in change.aspects if each in self.aspects]:
            return f"{change.kind} ({', '.join(unwanted)})"
        return self._growth(change)

    def _growth(self, change: UrlChange) -> str:
        before, after = change.before, change.after
        if before is None or after is None or after <= before:
            return ""
        growth = after - before
        percent = self.max_growth_percent
        if percent is not None and growth > before * percent / 100:
            shown = f"{growth / before:.1%}" if before else format_size(growth)
            return f"grown by {shown}, {percent:g}% allowed"
        if self.max_growth_bytes is not None and growth > self.max_growth_bytes:
            allowed = format_size(self.max_growth_bytes)
            return f"grown by {format_size(growth)}, {allowed} allowed"
        return ""


def parse_fail_on(text: str) -> FailOn:
    """Parse a text such as ``gone,broken,grown=10%``.

    Raises:
        ValueError: a part of it is no change.
    """
    kinds, aspects = set[ChangeKind](), set[Aspect]()
    percent: float | None = None
    size: int | None = None
    for part in text.split(","):
        name, equals, limit = (piece.strip().lower() for piece in part.partition("="))
        if name in _KINDS and not equals:
            kinds.add(_KINDS[name])
        elif name in set(Aspect) and not equals:
            aspects.add(Aspect(name))
        elif name == _GROWN and (match := _PERCENT.fullmatch(limit)):
            percent = float(match[1])
        elif name == _GROWN and limit:
            size = parse_size(limit)
        else:
            known = ", ".join([*_KINDS, *Aspect])
            raise ValueError(
                f"{part.strip()!r} is no change; write one of {known}, grown=10% or grown=50k"
            )
    return FailOn(frozenset(kinds), frozenset(aspects), percent, size)


class ChangeCheck:
    """Collects changes: those that are unwanted, and the first of the others.

    Args:
        fail_on: which changes are unwanted.
    """

    def __init__(self, fail_on: FailOn) -> None:
        self._fail_on = fail_on
        self._counts = {Level.ERROR: 0, Level.NOTE: 0}
        self._named: dict[Level, list[Diagnostic]] = {level: [] for level in self._counts}

    def add(self, change: UrlChange) -> None:
        """Take one change."""
        reason = self._fail_on.reason(change)
        level = Level.ERROR if reason else Level.NOTE
        self._counts[level] += 1
        if len(self._named[level]) < _MAX_NAMED:
            message = "; ".join([reason or change.label, *change.details])
            self._named[level].append(_diagnostic(level, change.url, message))

    def result(self, path: Path) -> CheckResult:
        """Return the changes since the report *path*."""
        found: list[Diagnostic] = []
        for level, named in self._named.items():
            # The order in which URLs end differs from run to run.
            found += sorted(named, key=lambda each: (each.message, each.url))
            if more := self._counts[level] - len(named):
                changes = "unwanted changes" if level is Level.ERROR else "changes"
                found.append(_diagnostic(level, "", f"and {more} more {changes}"))
        return CheckResult("changes", "Unwanted change", tuple(found), f"Changes since {path}")


def _diagnostic(level: Level, url: str, message: str) -> Diagnostic:
    rule = UNWANTED_CHANGE if level is Level.ERROR else CHANGE
    return Diagnostic(rule=rule, level=level, url=url, message=message)
