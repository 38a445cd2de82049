"""JSON lines: on each line an object with a member that holds an address, or a string."""

import json
from collections.abc import Iterator

from downloader.errors import BadUrlError
from downloader.sources.entries import ListLine
from downloader.sources.json_records import JsonRecords
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import TOO_LONG


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the address of each line, with ``name`` and ``sha256`` if it has them."""
    records = JsonRecords(source.label, source.settings)
    for number, text, complete in source.lines():
        if not text.strip():
            continue
        origin = f"{source.label}:{number}"
        if not complete:
            yield ListLine(origin, text, error=BadUrlError(TOO_LONG))
            continue
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            yield ListLine(origin, text, error=BadUrlError("not a JSON value"))
            continue
        if (line := records.line(origin, value)) is not None:
            yield line
