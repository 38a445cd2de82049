"""Convert outcomes to records, as :class:`~downloader.models.url_record.Record` declares."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import get_args

from downloader.models import Downloaded, Failed, Outcome, Skipped, Unchanged
from downloader.models.field_declarations import RecordField, Value, ValueType
from downloader.models.url_record import OPTIONAL_FIELDS, Record, Result

_Converter = Callable[..., Value]


def record_of(outcome: Outcome) -> Record:
    """Return the record of *outcome*."""
    has_timings = getattr(outcome, "timings", None) is not None
    has_page = getattr(outcome, "page", None) is not None
    line = outcome.source_line
    sources = _SOURCES[type(outcome), has_timings, has_page, line is not None]
    # The empty text stands for what was not sent.
    members = {
        name: value
        for name, value in zip(sources.names, sources.get_values(outcome), strict=True)
        if value != ""
    }
    for name, convert in sources.converters:
        members[name] = convert(members[name])
    # Where no request was made, there is no duration.
    if members.get("started") is None:
        members.pop("seconds", None)
    # Each value is of its field's type.
    return Record(
        url=outcome.url,
        outcome=_result_of(outcome),
        columns=() if line is None else line.columns,
        **members,  # type: ignore[arg-type]
    )


def _result_of(outcome: Outcome) -> Result:
    match outcome:
        case Downloaded():
            return Result.DOWNLOADED if outcome.path else Result.MEASURED
        case Unchanged():
            return Result.UNCHANGED
        case Skipped():
            return Result.SKIPPED
        case Failed():
            return Result.FAILED


def source_of(field: RecordField, outcome_type: type[Outcome]) -> str | None:
    """Return which attribute of such outcomes holds the value of *field*; None if none does."""
    for source in field.info.sources or (field.name,):
        if hasattr(outcome_type, source.partition(".")[0]):
            return source
    return None


def rounded(seconds: float | None) -> float | None:
    """Return *seconds* to the microsecond; further digits are noise."""
    return None if seconds is None else round(seconds, 6)


def time_text(since_epoch: float) -> str | None:
    """Return a time in UTC as RFC 3339 writes it, with milliseconds; None for 0."""
    if not since_epoch:
        return None
    moment = datetime.fromtimestamp(since_epoch, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


_CONVERTERS: dict[ValueType, _Converter] = {
    ValueType.FLOAT: rounded,
    ValueType.TIMESTAMP: time_text,
}


@dataclass(frozen=True, slots=True)
class _Sources:
    """The sources of a record's fields in outcomes of one type.

    Attributes:
        names: of the fields that they have values for.
        get_values: returns the values of an outcome, in that order.
        converters: for the fields whose values are converted.
    """

    names: tuple[str, ...]
    get_values: Callable[[Outcome], tuple[Value, ...]]
    converters: tuple[tuple[str, _Converter], ...]


def _sources(
    outcome_type: type[Outcome], *, has_timings: bool, has_page: bool, has_source_line: bool
) -> _Sources:
    sources = {
        field: source
        for field in OPTIONAL_FIELDS
        if (source := source_of(field, outcome_type)) is not None
        and (has_timings or not source.startswith("timings."))
        and (has_page or not source.startswith("page."))
        and (has_source_line or not source.startswith("source_line."))
    }
    return _Sources(
        tuple(field.name for field in sources),
        attrgetter(*sources.values()),
        tuple(
            (field.name, _CONVERTERS[field.value_type])
            for field in sources
            if field.value_type in _CONVERTERS
        ),
    )


_SOURCES = {
    (outcome_type, has_timings, has_page, has_source_line): _sources(
        outcome_type,
        has_timings=has_timings,
        has_page=has_page,
        has_source_line=has_source_line,
    )
    for outcome_type in get_args(Outcome)
    for has_timings in (True, False)
    for has_page in (True, False)
    for has_source_line in (True, False)
}
