"""CDXJ indexes of WARC files: one line per capture, sorted by SURT key and timestamp.

Lines are sorted on disk, because a file may hold millions of captures, and looked up by bisection
of a memory-mapped index.
"""

import heapq
import json
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import IO

from downloader.archive.surt import surt
from downloader.web.urls import Url

#: The ``mime`` of a revisit record, which has no payload.
REVISIT_MIME = "warc/revisit"
#: Captures of a URL in an index, and bytes of a line, that are looked at.
_MAX_CAPTURES = 1000
_MAX_LINE_BYTES = 2 * 1024 * 1024
_json_string = json.encoder.encode_basestring_ascii
#: Lines, and their bytes, that are sorted in memory at once; each such run is a temporary file.
_LINES_PER_RUN = 50_000
_BYTES_PER_RUN = 32 * 1024 * 1024
#: Temporary files of one size; then they become one of the next size, so that few are open.
_FILES_PER_LEVEL = 32


@dataclass(frozen=True, slots=True)
class Capture:
    """The index entry of one response or revisit record.

    Attributes:
        url: the target URI.
        date: the date of the record, as in its header; without fractions when read from an index.
        mime: the media type, or :data:`REVISIT_MIME`.
        status: the HTTP status, as digits.
        digest: the payload digest; may be empty.
        offset, length: of the record in the file, in bytes.
        truncated: the value of ``WARC-Truncated``; empty for a complete payload.
        method: of the request.
    """

    url: str
    date: str
    mime: str
    status: str
    digest: str
    offset: int
    length: int
    truncated: str = ""
    method: str = "GET"


def format_line(capture: Capture, filename: str) -> str:
    """Return the index line of a capture, without its line end.

    The key of another method than GET has the method in its query, as pywb's has, so that what
    answered it is not found for a GET.
    """
    timestamp = "".join(filter(str.isdigit, capture.date))[:14]
    fields = (
        f'{{"url": {_json_string(capture.url)}, "mime": {_json_string(capture.mime or "unk")}, '
        f'"status": "{capture.status}", "digest": {_json_string(capture.digest)}, '
        f'"length": "{capture.length}", "offset": "{capture.offset}", '
        f'"filename": {_json_string(filename)}'
    )
    url = capture.url
    more = f', "truncated": {_json_string(capture.truncated)}' if capture.truncated else ""
    if capture.method != "GET":
        url += f"{'&' if '?' in url else '?'}__wb_method={capture.method}"
        more += f', "method": {_json_string(capture.method)}'
    return f"{surt(Url(url))} {timestamp} {fields}{more}}}"


def sort_lines(lines: Iterable[bytes], output: IO[bytes]) -> None:
    """Write *lines*, with their line ends, in order, within a bounded memory."""
    levels: list[list[IO[bytes]]] = []
    runs = _sorted_runs(lines)
    last = next(runs)
    for run in runs:
        _add_run(levels, last)
        last = run
    files = [file for level in levels for file in level]
    with ExitStack() as stack:
        output.writelines(heapq.merge(*map(stack.enter_context, files), last))


def _sorted_runs(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines in sorted runs; at least one."""
    run: list[bytes] = []
    run_bytes = 0
    for line in lines:
        run.append(line)
        run_bytes += len(line)
        if len(run) >= _LINES_PER_RUN or run_bytes >= _BYTES_PER_RUN:
            yield sorted(run)
            run, run_bytes = [], 0
    yield sorted(run)


def _add_run(levels: list[list[IO[bytes]]], run: Iterable[bytes]) -> None:
    """Add a file of the first level; the files of a full level become one of the next level."""
    for number in count():
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who reads it
        file.writelines(run)
        file.seek(0)
        if number == len(levels):
            levels.append([])
        levels[number].append(file)
        if len(levels[number]) < _FILES_PER_LEVEL:
            return
        run = _merge_and_close(levels[number])
        levels[number] = []


def _merge_and_close(files: list[IO[bytes]]) -> Iterator[bytes]:
    with ExitStack() as stack:
        yield from heapq.merge(*map(stack.enter_context, files))


def merge_indexes(paths: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of several indexes in order."""
    with ExitStack() as stack:
        yield from heapq.merge(*(stack.enter_context(path.open("rb")) for path in paths))


def lines_with_prefix(data: mmap.mmap, prefix: bytes) -> Iterator[bytes]:
    """Yield the lines of a sorted file that begin with *prefix*, without their line ends.

    Lines of over 2 MiB are left out.
    """
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        start = data.rfind(b"\n", 0, middle) + 1
        end = data.find(b"\n", middle)
        end = len(data) if end < 0 else end
        if data[start : min(end, start + len(prefix))] < prefix:
            low = end + 1
        else:
            high = start
    while data[low : low + len(prefix)] == prefix:
        end = data.find(b"\n", low)
        end = len(data) if end < 0 else end
        if end - low <= _MAX_LINE_BYTES:
            yield data[low:end]
        low = end + 1


def find_captures(index: Path, url: str) -> Iterator[Capture]:
    """Yield the captures of *url* with a complete payload, or none if the index is unreadable."""
    for line in _read_lines_with_prefix(index, f"{surt(Url(url))} ".encode()):
        # Whoever can write to the output folder may have made the index.
        with suppress(ValueError, KeyError, TypeError, RecursionError, OverflowError):
            _, timestamp, fields_json = line.split(b" ", 2)
            fields = json.loads(fields_json)
            if fields["url"] == url and "truncated" not in fields:
                yield Capture(
                    url=url,
                    date=_iso_date(timestamp.decode("ascii")),
                    mime=fields["mime"],
                    status=fields["status"],
                    digest=str(fields.get("digest", "")),
                    offset=int(fields["offset"]),
                    length=int(fields["length"]),
                )


def _iso_date(timestamp: str) -> str:
    """Return a timestamp of 14 digits as a ``WARC-Date``."""
    day, clock = f"{timestamp[:4]}-{timestamp[4:6]}-{timestamp[6:8]}", timestamp[8:14]
    return f"{day}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"


def _read_lines_with_prefix(index: Path, prefix: bytes) -> list[bytes]:
    with (
        suppress(OSError, ValueError),
        index.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return list(islice(lines_with_prefix(data, prefix), _MAX_CAPTURES))
    return []
