"""Text for people: safe to print on a terminal; sizes, durations and dates parsed and formatted."""

import logging
import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)", re.IGNORECASE)
_PLAIN = re.compile(r"[ -~]*")
#: What CI systems take for commands: ``##[error]`` and the like wherever it stands, in GitHub
#: Actions, Azure Pipelines and TeamCity; ``::error::`` at the start of a line, in GitHub Actions.
_COMMAND = re.compile(r"#(?=#\w*\[)|^\s*:(?=:.*::)")
#: Unicode categories: control, format (such as bidi overrides), surrogate, private, unassigned, and
#: the separators of lines and paragraphs.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    r"""Return *text* with every character escaped that could control a terminal or fake a line.

    Commands to CI systems, which read the output, are escaped, too.

    >>> printable("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    """
    if not _PLAIN.fullmatch(text):
        text = "".join(
            char.encode("unicode_escape").decode("ascii")
            if unicodedata.category(char) in _UNPRINTABLE
            else char
            for char in text
        )
    if "##" in text or "::" in text:
        text = _COMMAND.sub(lambda match: f"{match[0][:-1]}\\x{ord(match[0][-1]):02x}", text)
    return text


def printable_lines(text: str) -> str:
    """Return text of several lines, each as :func:`printable` makes it."""
    return "\n".join(map(printable, text.split("\n")))


class SafeFormatter(logging.Formatter):
    """Escapes log records and tracebacks, which may quote what a server sent."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as lines that are safe to print."""
        return printable_lines(super().format(record))


def parse_size(text: str) -> int:
    """Parse a number of bytes from text such as ``500``, ``10M`` or ``1.5GiB``.

    Suffixes are 1024-based, as in wget.

    Raises:
        ValueError: the text is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write a number with k, M, G or T, such as 10M")
    # Imported only for a size that is given, because it takes a while.
    from fractions import Fraction

    return int(Fraction(match[1]) * _UNITS[match[2].lower()])


def parse_seconds(text: str) -> float:
    """Parse seconds from text such as ``30``, ``1.5s``, ``500ms`` or ``2m``.

    Raises:
        ValueError: the text is not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write seconds, or use ms, s, m, h or d")
    return float(match[1]) * _SECONDS[match[2].lower()]


def format_size(count: float) -> str:
    """Format a number of bytes with the unit that keeps it short.

    >>> format_size(1536)
    '1.5 KiB'
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


@lru_cache(maxsize=256)
def parse_http_date(field: str) -> datetime | None:
    """Parse a date of HTTP in any of its three forms (RFC 9110, section 5.6.7), or return None.

    The form of asctime names no time zone; all three mean UTC.

    >>> parse_http_date("Sun Nov  6 08:49:37 1994")
    datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.timezone.utc)
    """
    # Imported only for a date, because it takes a while.
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(field)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@lru_cache(maxsize=256)
def http_timestamp(field: str) -> float | None:
    """Return a date of HTTP as seconds since the epoch, or None if it is none."""
    date = parse_http_date(field)
    return date.timestamp() if date else None
