"""Budgets: limits of sizes and counts that a run fails to keep when a site has grown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from downloader.errors import ErrorKind
from downloader.models import SkipReason
from downloader.models.url_record import Record, Result
from downloader.report.diagnostics import OVER_BUDGET, CheckResult, Diagnostic, Level, Location
from downloader.report.file_kinds import media_type_of
from downloader.report.summary import RESULTS_WITH_BODY, SizeSummary
from downloader.web.file_kinds import FileKind, kind_of_type
from downloader.web.media_type_filter import MediaTypeFilter
from downloader.web.media_types import media_type_table
from downloader.web.text import format_size, parse_size

_ANY, _TOTAL, _REQUESTS = "any", "total", "requests"
#: URLs named whose body is too large; further ones are only counted.
_MAX_NAMED = 100
#: Number of the largest bodies to name, if a total is too large.
_MAX_LARGEST = 5
#: Skipped lines of whose URLs nothing was requested, in this run or an earlier one.
_NOT_REQUESTED = (SkipReason.DUPLICATE, SkipReason.ROBOTS)


class Quantity(Enum):
    """What a limit is for."""

    EACH_SIZE = "each size"
    TOTAL_SIZE = "total size"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a budget.

    Attributes:
        name: of the files, as the user wrote it; ``any`` and ``total`` for all.
        quantity: what it is for.
        maximum: bytes of decoded bodies, or the number of URLs.
        selects: returns whether files of a media type count; None if all do.
    """

    name: str
    quantity: Quantity
    maximum: int
    selects: Callable[[str], bool] | None


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits that a run is to keep."""

    limits: tuple[Limit, ...]


def parse_budget(text: str) -> Budget:
    """Parse a text such as ``html=100k,pdf.total=10M,requests=200``.

    Raises:
        ValueError: a part of it is no limit.
    """
    return Budget(tuple(_parse_limit(part.strip()) for part in text.split(",")))


def _parse_limit(part: str) -> Limit:
    left, equals, right = (piece.strip().lower() for piece in part.partition("="))
    files, dot, suffix = left.rpartition(".")
    if left in (_TOTAL, _REQUESTS):
        name, quantity = left, Quantity.TOTAL_SIZE if left == _TOTAL else Quantity.REQUESTS
    elif dot and suffix in (_TOTAL, _REQUESTS):
        name, quantity = files, Quantity.TOTAL_SIZE if suffix == _TOTAL else Quantity.REQUESTS
    else:
        name, quantity = left, Quantity.EACH_SIZE
    try:
        if not equals:
            raise ValueError
        selects = None if name in (_ANY, _TOTAL, _REQUESTS) else _selector(name)
    except ValueError:
        known = ", ".join([*FileKind, _ANY])
        raise ValueError(
            f"{part!r} is no limit; write NAME=SIZE, where NAME is one of {known}, an extension "
            "or a media type, NAME.total=SIZE, NAME.requests=N, total=SIZE or requests=N"
        ) from None
    return Limit(name, quantity, _parse_maximum(quantity, right), selects)


def _parse_maximum(quantity: Quantity, text: str) -> int:
    if quantity is not Quantity.REQUESTS:
        return parse_size(text)
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is no number of requests; write requests=200")
    return int(text)


def _selector(name: str) -> Callable[[str], bool]:
    """Return the function that tells of a media type whether *name* stands for it.

    Raises:
        ValueError: it is no kind of files, no extension and no pattern of media types.
    """
    if name in set(FileKind):
        return lambda media_type: kind_of_type(media_type) == name
    if "/" in name:
        return MediaTypeFilter(accept=(name,)).selects
    table = media_type_table()
    extension = f".{name.removeprefix('.')}"
    if extension not in table.types:
        raise ValueError(name)
    # A type may have several names, and several extensions.
    usual = table.extensions[table.types[extension]]
    return lambda media_type: table.extensions.get(media_type) == usual


@dataclass(slots=True)
class _Spending:
    """What records have spent of one limit."""

    limit: Limit
    sizes: SizeSummary = field(default_factory=lambda: SizeSummary(_MAX_LARGEST))
    requests: int = 0


class BudgetCheck:
    """Checks records against a budget."""

    def __init__(self, budget: Budget) -> None:
        self._each = [each for each in budget.limits if each.quantity is Quantity.EACH_SIZE]
        self._spent = [
            _Spending(each) for each in budget.limits if each.quantity is not Quantity.EACH_SIZE
        ]
        self._too_large: list[Diagnostic] = []
        self._too_large_count = 0

    def add(self, record: Record) -> None:
        """Take one record."""
        if not _was_requested(record):
            return
        # A failure has no type, and counts only where all files do.
        media_type = media_type_of(record) if record.outcome in RESULTS_WITH_BODY else ""
        if record.decoded_bytes is not None and record.same_as is None:
            self._check_size(record, record.decoded_bytes, media_type)
        for spending in self._spent:
            selects = spending.limit.selects
            if selects is None or (media_type and selects(media_type)):
                spending.requests += 1
                spending.sizes.add(record)

    def _check_size(self, record: Record, size: int, media_type: str) -> None:
        for limit in self._each:
            if size > limit.maximum and (limit.selects is None or limit.selects(media_type)):
                self._too_large_count += 1
                if len(self._too_large) < _MAX_NAMED:
                    message = f"{_excess(size, limit)} allowed for {limit.name}"
                    self._too_large.append(_over_budget(record.url, message))
                # Each URL is named once.
                return

    def result(self) -> CheckResult:
        """Return every limit that is exceeded, with the URLs."""
        found = list(self._too_large)
        if self._too_large_count > len(found):
            more = self._too_large_count - len(found)
            found.append(_over_budget("", f"and {more} more URLs over a limit of their own"))
        for spending in self._spent:
            limit = spending.limit
            all_files = "all" if limit.selects is None else f"all {limit.name}"
            if limit.quantity is Quantity.REQUESTS and spending.requests > limit.maximum:
                message = (
                    f"{all_files} together: {spending.requests:,} requests, "
                    f"{limit.maximum:,} allowed"
                )
                found.append(_over_budget("", message, spending.sizes.largest))
            size = spending.sizes.total.decoded
            if limit.quantity is Quantity.TOTAL_SIZE and size > limit.maximum:
                largest = _named(spending.sizes.largest)
                message = (
                    f"{all_files} together: {_excess(size, limit)} allowed; the largest: {largest}"
                )
                found.append(_over_budget("", message, spending.sizes.largest))
        return CheckResult("budget", "Over budget", tuple(found))


def _over_budget(url: str, message: str, largest: Sequence[Record] = ()) -> Diagnostic:
    locations = tuple(Location(record.url) for record in largest)
    return Diagnostic(
        rule=OVER_BUDGET, level=Level.ERROR, url=url, message=message, locations=locations
    )


def _was_requested(record: Record) -> bool:
    if record.outcome is Result.FAILED:
        return record.kind not in (ErrorKind.BAD_URL, ErrorKind.ROBOTS) and bool(record.attempts)
    return record.outcome in RESULTS_WITH_BODY and record.reason not in _NOT_REQUESTED


def _excess(size: int, limit: Limit) -> str:
    """Return a size and its limit; the difference too, because both may be shown alike."""
    excess = size - limit.maximum
    over = f"{excess:,} byte{'' if excess == 1 else 's'} over"
    return f"{format_size(size)}, {over} the {format_size(limit.maximum)}"


def _named(largest: Sequence[Record]) -> str:
    return ", ".join(f"{each.url} ({format_size(each.decoded_bytes or 0)})" for each in largest)
