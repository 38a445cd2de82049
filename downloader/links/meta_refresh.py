"""The URL in ``meta http-equiv=refresh`` (HTML standard, 4.2.5.3, "shared declarative refresh")."""

import re

_DELAY = re.compile(
    r"[\t\n\f\r ]*(?:[0-9][0-9.]*|\.[0-9.]*)(?=[;,\t\n\f\r ])[\t\n\f\r ]*[;,]?[\t\n\f\r ]*"
)
_NO_DELAY = re.compile(r"[\t\n\f\r ]*0*(?![0-9])")
_URL_EQUALS = re.compile(r"[uU][rR][lL][\t\n\f\r ]*=[\t\n\f\r ]*")
_OTHER_U = re.compile(r"[uU]")


def is_immediate(content: str) -> bool:
    """Return whether the delay is 0; fractions of a second are dropped."""
    return _NO_DELAY.match(content) is not None


def url_span(content: str) -> tuple[int, int] | None:
    """Return the span of the URL in *content*; None if there is no URL."""
    delay = _DELAY.match(content)
    if delay is None or delay.end() == len(content):
        return None
    start, end = delay.end(), len(content)
    prefix = _URL_EQUALS.match(content, start)
    if prefix is None and _OTHER_U.match(content, start):
        return start, end
    start = prefix.end() if prefix else start
    quote = content[start : start + 1]
    if quote in {'"', "'"}:
        start += 1
        closing = content.find(quote, start)
        end = closing if closing != -1 else end
    return start, end
