"""An index of an archive file: CDXJ, one line for each capture, in the order of its keys.

A line says under which key (SURT) and at what time an address was captured, and where its record
is. Lines are sorted outside of memory, because a file may hold millions of captures.
"""

import heapq
import json
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from downloader.archive.surt import surt
from downloader.web.urls import Url

_quoted = json.encoder.encode_basestring_ascii
#: So many lines are sorted in memory at once.
_RUN = 50_000


@dataclass(frozen=True, slots=True)
class Capture:
    """What an index says of one record.

    Attributes:
        url: what was captured.
        date: of the record, as in its header.
        mime: the media type, or ``warc/revisit``.
        status: the HTTP status, as digits.
        digest: of the payload; may be empty.
        offset, length: bytes, in the file.
        truncated: why it is not whole; empty if it is.
    """

    url: str
    date: str
    mime: str
    status: str
    digest: str
    offset: int
    length: int
    truncated: str = ""


def line(capture: Capture, filename: str) -> str:
    """Return the line of a capture, without its end."""
    stamp = "".join(filter(str.isdigit, capture.date))[:14]
    text = (
        f'{{"url": {_quoted(capture.url)}, "mime": {_quoted(capture.mime or "unk")}, '
        f'"status": "{capture.status}", "digest": {_quoted(capture.digest)}, '
        f'"length": "{capture.length}", "offset": "{capture.offset}", '
        f'"filename": {_quoted(filename)}'
    )
    more = f', "truncated": {_quoted(capture.truncated)}' if capture.truncated else ""
    return f"{surt(Url(capture.url))} {stamp} {text}{more}}}"


def sort(lines: Iterable[bytes], into: IO[bytes]) -> None:
    """Write *lines*, with their ends, in order; memory is bounded."""
    with ExitStack() as stack:
        runs: list[Iterable[bytes]] = []
        source = iter(lines)
        while run := sorted(islice(source, _RUN)):
            if len(run) < _RUN and not runs:
                into.writelines(run)
                return
            file = stack.enter_context(tempfile.TemporaryFile())
            file.writelines(run)
            file.seek(0)
            runs.append(file)
        into.writelines(heapq.merge(*runs))


def merged(paths: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of several indexes in order."""
    with ExitStack() as stack:
        yield from heapq.merge(*(stack.enter_context(path.open("rb")) for path in paths))


def matching(data: mmap.mmap, key: bytes) -> Iterator[bytes]:
    """Yield the lines of a sorted file that begin with *key*, without their ends."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        start = data.rfind(b"\n", 0, middle) + 1
        end = data.find(b"\n", middle)
        end = len(data) if end < 0 else end
        if data[start:end] < key:
            low = end + 1
        else:
            high = start
    while data[low : low + len(key)] == key:
        end = data.find(b"\n", low)
        yield data[low : end if end >= 0 else len(data)]
        if end < 0:
            return
        low = end + 1
