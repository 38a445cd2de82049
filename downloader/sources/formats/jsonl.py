"""JSON lines: on each line an object with a member ``url``, or a string."""

import json
from collections.abc import Iterator

from downloader.errors import BadUrlError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import TOO_LONG


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the URL of each line, with ``name`` and ``sha256`` if it has them."""
    for number, text, complete in source.lines():
        if text.strip():
            origin = f"{source.label}:{number}"
            if complete:
                yield _parse_line(origin, text)
            else:
                yield ListLine(origin, text, error=BadUrlError(TOO_LONG))


def _parse_line(origin: str, text: str) -> ListLine:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ListLine(origin, text, error=BadUrlError("not a JSON value"))
    members = {"url": value} if isinstance(value, str) else value
    if not isinstance(members, dict) or not isinstance(members.get("url"), str):
        return ListLine(origin, text, error=BadUrlError("no member url in the JSON value"))
    line = ListLine(origin, members["url"])
    line.name, line.checksum = members.get("name"), members.get("sha256")
    if not all(isinstance(value, str | None) for value in (line.name, line.checksum)):
        line.error = BadUrlError("name and sha256 must be strings")
    return line
