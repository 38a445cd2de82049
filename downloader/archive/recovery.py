"""After a run that was killed: its whole records become a file, and the cut one is dropped."""

import os
import zlib
from collections.abc import Iterator
from typing import IO

from downloader.archive import cdxj
from downloader.archive.file_series import ClaimedFile, FileSeries
from downloader.archive.warc_reader import captures
from downloader.archive.warc_records import END
from downloader.archive.warc_writer import open_index, publish_index

_PIECE = 256 * 1024
#: A header is looked for in so many bytes of a record.
_LONGEST_HEADER = 64 * 1024


def recover(series: FileSeries) -> list[str]:
    """Make whole files of those that nobody is writing any more; return lines for a person.

    Raises:
        OSError: the disk refuses.
        SourceError: what is left cannot be read.
    """
    return [line for claimed in series.abandoned() for line in _recovered(claimed)]


def _recovered(claimed: ClaimedFile) -> list[str]:
    path = claimed.path
    try:
        with claimed.open_path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found = member_ends(file) if path.name.endswith(".gz") else record_ends(file)
            ends = list(_last_two(found))
        if len(ends) > 1:
            os.ftruncate(claimed.fd, ends[-1])
            _index(claimed)
    except BaseException:
        os.close(claimed.fd)
        raise
    open_index(claimed).unlink(missing_ok=True)
    if len(ends) < 2:
        # Nothing but the record that begins a file.
        claimed.discard()
        return []
    claimed.publish()
    cut = size - ends[-1]
    dropped = f", but for the {cut} bytes of a cut record" if cut else ""
    return [f"what a stopped process left of {path.name} is kept{dropped}"]


def _index(claimed: ClaimedFile) -> None:
    """Make the index of a file anew, because its lines may not have been written."""
    with open_index(claimed).open("w+b") as lines:
        for capture in captures(claimed.open_path):
            lines.write(cdxj.line(capture, claimed.path.name).encode("utf-8") + b"\n")
        publish_index(lines, claimed)


def _last_two(ends: Iterator[int]) -> Iterator[int]:
    before = last = 0
    for end in ends:
        before, last = last, end
    yield from (end for end in (before, last) if end)


def member_ends(file: IO[bytes]) -> Iterator[int]:
    """Yield where each whole gzip member with a whole record in it ends."""
    offset, rest = 0, b""
    while True:
        decompressor = zlib.decompressobj(31)
        tail, consumed = b"", 0
        try:
            while not decompressor.eof:
                data = rest or file.read(_PIECE)
                rest = b""
                if not data:
                    return
                consumed += len(data)
                while data and not decompressor.eof:
                    text = decompressor.decompress(data, _PIECE)
                    tail = (tail + text)[-len(END) :]
                    data = decompressor.unconsumed_tail
        except zlib.error:
            return
        rest = decompressor.unused_data
        offset += consumed - len(rest)
        if tail != END:
            return
        yield offset


def record_ends(file: IO[bytes]) -> Iterator[int]:
    """Yield where each whole record of a file without compression ends."""
    offset, size = 0, os.fstat(file.fileno()).st_size
    while True:
        file.seek(offset)
        header, found, _ = file.read(_LONGEST_HEADER).partition(END)
        if not found or not header.startswith(b"WARC/"):
            return
        length = next(
            (
                int(line.partition(b":")[2])
                for line in header.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            None,
        )
        if length is None:
            return
        offset += len(header) + len(END) + length + len(END)
        if offset > size:
            return
        file.seek(offset - len(END))
        if file.read(len(END)) != END:
            return
        yield offset
