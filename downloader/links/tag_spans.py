"""Where an attribute of a start tag stands (HTML standard, 13.2.5.32 to 13.2.5.40).

The parser says that a tag begins at a place, so it is known to be one: it is complete. To ask the
parser for the places of its attributes, too, would take several times as long.
"""

import re
from functools import cache

from downloader.links.text_layers import TextLayer

_END = r"\t\n\f\r />"
_NAME = rf"(?:=[^={_END}]*+|[^={_END}]++)"
_EQUALS = r"[\t\n\f\r ]*+=[\t\n\f\r ]*+"
_OTHER = rf"{_NAME}(?:{_EQUALS}(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >]*+))?+"
_VALUE = rf"(?:{_EQUALS}(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >]*+)))?+"
#: By the last group of the match that took part in it.
_ONLY_NAME, _UNQUOTED = 1, 4
_QUOTES = {2: '"', 3: "'", 4: ""}


def span(layer: TextLayer, tag: int, name: str) -> tuple[int, int] | None:
    """Return where the attribute *name* of the tag at *tag* stands, with its name."""
    match = _attribute(name).match(layer.text, tag)
    return (match.start(1), match.end()) if match else None


def value(layer: TextLayer, tag: int, name: str) -> TextLayer | None:
    """Return the value of the attribute *name* of the tag at *tag* as a layer."""
    match = _attribute(name).match(layer.text, tag)
    if match is None:
        return None
    group = match.lastindex or _ONLY_NAME
    start, end = match.span(group)
    if group == _ONLY_NAME:
        return layer.missing(end, "=")
    if group == _UNQUOTED and start == end:
        return layer.missing(end, "")
    return layer.value(start, end, _QUOTES[group])


@cache
def _attribute(name: str) -> re.Pattern[str]:
    """Return what matches a start tag up to the end of the first attribute of this name."""
    name = rf"(?ai:{re.escape(name)})(?=[={_END}])"
    return re.compile(
        rf"<[^{_END}]++(?:[\t\n\f\r /]*+(?!{name}){_OTHER})*+[\t\n\f\r /]*+({name}){_VALUE}"
    )
