"""The address in ``meta http-equiv=refresh`` (HTML standard, 4.2.5.3, "shared declarative…")."""

import re

_TIME = re.compile(
    r"[\t\n\f\r ]*(?:[0-9][0-9.]*|\.[0-9.]*)(?=[;,\t\n\f\r ])[\t\n\f\r ]*[;,]?[\t\n\f\r ]*"
)
_AT_ONCE = re.compile(r"[\t\n\f\r ]*0*(?![0-9])")
_URL = re.compile(r"[uU][rR][lL][\t\n\f\r ]*=[\t\n\f\r ]*")
_BROKEN_URL = re.compile(r"[uU]")


def at_once(content: str) -> bool:
    """Return whether the page is left as soon as it is there; fractions of a second are none."""
    return _AT_ONCE.match(content) is not None


def target(content: str) -> tuple[int, int] | None:
    """Return where in *content* the address stands, or None if it names none."""
    time = _TIME.match(content)
    if time is None or time.end() == len(content):
        return None
    start, end = time.end(), len(content)
    named = _URL.match(content, start)
    if named is None and _BROKEN_URL.match(content, start):
        return start, end
    start = named.end() if named else start
    quote = content[start : start + 1]
    if quote in {'"', "'"}:
        start += 1
        closing = content.find(quote, start)
        end = closing if closing != -1 else end
    return start, end
