"""The spans of attributes in a start tag (HTML standard, 13.2.5.32 to 13.2.5.40).

The parser has found the tag, so it is known to be complete. Asking the parser for the positions
of attributes as well would take several times as long.
"""

import re
from functools import cache

from downloader.links.embedded_text import EmbeddedText

_NAME_END = r"\t\n\f\r />"
_NAME = rf"(?:=[^={_NAME_END}]*+|[^={_NAME_END}]++)"
_SEPARATORS = r"[\t\n\f\r /]*+"
_EQUALS = r"[\t\n\f\r ]*+=[\t\n\f\r ]*+"
_ATTRIBUTE = rf"{_NAME}(?:{_EQUALS}(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >]*+))?+"
#: A whole start tag.
START_TAG = re.compile(rf"<[^{_NAME_END}]++(?:{_SEPARATORS}{_ATTRIBUTE})*+{_SEPARATORS}>")
_VALUE = rf"(?:{_EQUALS}(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >]*+)))?+"
#: The last group of the match that took part in it says how the attribute is written.
_NAME_GROUP, _UNQUOTED_GROUP = 1, 4
_QUOTES = {2: '"', 3: "'", 4: ""}


def attribute_span(text: EmbeddedText, tag_offset: int, name: str) -> tuple[int, int] | None:
    """Return the span of the attribute *name*, name and value, in the tag at *tag_offset*."""
    match = _pattern(name).match(text.text, tag_offset)
    return (match.start(1), match.end()) if match else None


def attribute_value(text: EmbeddedText, tag_offset: int, name: str) -> EmbeddedText | None:
    """Return the value of the attribute *name* in the tag at *tag_offset*."""
    match = _pattern(name).match(text.text, tag_offset)
    if match is None:
        return None
    group = match.lastindex or _NAME_GROUP
    start, end = match.span(group)
    if group == _NAME_GROUP:
        return text.absent_attribute_value(end, "=")
    if group == _UNQUOTED_GROUP and start == end:
        return text.absent_attribute_value(end, "")
    return text.attribute_value(start, end, _QUOTES[group])


def tag_end(text: EmbeddedText, tag_offset: int) -> int:
    """Return the offset behind the start tag at *tag_offset*."""
    match = START_TAG.match(text.text, tag_offset)
    return match.end() if match else len(text.text)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Return what matches a start tag up to the end of its first attribute of this name."""
    name = rf"(?ai:{re.escape(name)})(?=[={_NAME_END}])"
    return re.compile(
        rf"<[^{_NAME_END}]++(?:{_SEPARATORS}(?!{name}){_ATTRIBUTE})*+{_SEPARATORS}({name}){_VALUE}"
    )
