"""Diagnostics: what a run found wrong, as CI systems show it: rule, level, message, locations."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from downloader.errors import ErrorKind
from downloader.models import LinkProblem
from downloader.models.url_record import Record, Result
from downloader.report.findings import ADVICE
from downloader.web.text import printable

#: The rules of checks of the whole run; those of failures are the kinds of failure.
OVER_BUDGET, NOT_AS_LOCKED = "over-budget", "not-as-locked"
UNWANTED_CHANGE, CHANGE = "unwanted-change", "change"
_LINK_ADVICE = {
    LinkProblem.MISSING_FILE: "Correct the link, or add the file.",
    LinkProblem.MISSING_FRAGMENT: "Correct the fragment, or give an element this id.",
    LinkProblem.MOVED: "Write the new address.",
    LinkProblem.CERTIFICATE: "Tell the site's owner to renew it.",
}
#: Every rule that a diagnostic may have, and what to do about it.
RULES: Mapping[str, str] = {
    **{kind.value: advice for kind, advice in ADVICE.items()},
    **{kind.value: advice for kind, advice in _LINK_ADVICE.items()},
    OVER_BUDGET: "Make it smaller, or raise the limit of --budget.",
    NOT_AS_LOCKED: "Find out why it has changed; then write a new lock with --lock.",
    UNWANTED_CHANGE: "Undo it; or leave it out of --fail-on.",
    CHANGE: "Look whether it was meant.",
}
#: Where a list has a line: the file, and the number.
_ORIGIN = re.compile(r"(.+):(\d{1,15})", re.DOTALL)
_STANDARD_INPUT = "stdin"


class Level(StrEnum):
    """How grave it is, as SARIF 2.1.0 names levels (section 3.27.10)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Location:
    """A place to show a diagnostic at.

    Attributes:
        address: the path of a file as the user named it, or the URL of a page.
        line: from 1, if known.
    """

    address: str
    line: int | None = None

    @property
    def is_url(self) -> bool:
        """Whether it is on the web."""
        return self.address.startswith(("http://", "https://"))

    def __str__(self) -> str:
        return self.address if self.line is None else f"{self.address}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing that is wrong.

    Attributes:
        rule: one of :data:`RULES`.
        level: how grave it is.
        url: what it is about; empty for several URLs together.
        message: one line for a person, without the URL.
        hint: what to do about it; may be empty.
        locations: the places that name the URL, the first of very many.
        more_locations: how many more places name it.
    """

    rule: str
    level: Level
    url: str
    message: str
    hint: str = ""
    locations: tuple[Location, ...] = ()
    more_locations: int = 0

    @property
    def sentence(self) -> str:
        """The URL and the message, safe to print."""
        message = printable(self.message)
        return f"{printable(self.url)}: {message}" if self.url else message


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check of a whole run, such as that of its budget.

    Attributes:
        name: of the check, in one word.
        label: of an error that it found, such as ``Over budget``.
        diagnostics: what it found; no errors if the run passes.
        title: a heading of what it found; by default, the label.
    """

    name: str
    label: str
    diagnostics: tuple[Diagnostic, ...] = ()
    title: str = ""

    @property
    def error_count(self) -> int:
        """How many of them are errors."""
        return sum(each.level is Level.ERROR for each in self.diagnostics)

    @property
    def lines(self) -> list[str]:
        """A sentence for each error."""
        errors = (each for each in self.diagnostics if each.level is Level.ERROR)
        return [f"{self.label}: {each.sentence}" for each in errors]


def diagnostic_of(record: Record) -> Diagnostic | None:
    """Return what is wrong with a URL; None for one that did not fail."""
    if record.outcome is not Result.FAILED:
        return None
    return Diagnostic(
        rule=(record.kind or ErrorKind.INTERNAL).value,
        level=Level.ERROR,
        url=record.url,
        message=record.message or "failed",
        hint=record.hint or "",
        locations=_locations(record),
    )


def _locations(record: Record) -> tuple[Location, ...]:
    """Return the page that links to a URL, or the line of the list that names it."""
    if record.parent is not None:
        return (Location(record.parent),)
    match = _ORIGIN.fullmatch(record.origin or "")
    if match is None or match[1] == _STANDARD_INPUT:
        return ()
    return (Location(match[1], int(match[2])),)
