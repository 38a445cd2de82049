"""The options under "Filters": which responses are saved, by type, size and date."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import SizeParam
from downloader.web.media_type_filter import media_type_patterns
from downloader.web.text import http_timestamp, printable

#: A date of HTTP begins with a day of the week (RFC 9110, section 5.6.7).
_HTTP_DATE = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? ", re.IGNORECASE)


class MediaTypesParam(click.ParamType[str]):
    """Patterns of media types, separated by commas."""

    name = "LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the patterns, separated by commas."""
        try:
            return ",".join(media_type_patterns(str(value)))
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class DateParam(click.ParamType[float]):
    """A date, as ISO 8601 or HTTP writes it, or a file whose modification time counts."""

    name = "DATE|FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds since the epoch; a date without a time zone is in UTC."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        seconds = http_timestamp(text) if _HTTP_DATE.match(text) else _iso_timestamp(text)
        if seconds is not None:
            return seconds
        try:
            return Path(text).stat().st_mtime
        except (OSError, ValueError):
            self.fail(
                f"{printable(text[:200])!r} is neither a file nor a date; write 2026-01-31 or "
                "2026-01-31T12:00Z",
                param,
                ctx,
            )


def _iso_timestamp(text: str) -> float | None:
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


OPTIONS = (
    option(
        "Filters",
        "--accept-type",
        metavar="LIST",
        type=MediaTypesParam(),
        multiple=True,
        help="Save only these media types, e.g. application/pdf,image/*; repeatable.",
    ),
    option(
        "Filters",
        "--reject-type",
        metavar="LIST",
        type=MediaTypesParam(),
        multiple=True,
        help="Skip these media types; repeatable.",
    ),
    option(
        "Filters",
        "--min-size",
        type=SizeParam(),
        help="Skip decoded bodies smaller than this [no limit].",
    ),
    option(
        "Filters",
        "--newer-than",
        metavar="DATE|FILE",
        type=DateParam(),
        help="Skip what was not modified since this date, or since FILE was.",
    ),
)
