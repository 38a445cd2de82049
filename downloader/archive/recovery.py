"""Recovers the open WARC files of a killed run: drops the incomplete record, and publishes them."""

import os
import re
import zlib
from collections.abc import Iterator
from typing import IO

from downloader.archive import cdxj
from downloader.archive.file_series import ClaimedFile, FileSeries
from downloader.archive.warc_reader import scan_captures
from downloader.archive.warc_records import RECORD_END
from downloader.archive.warc_writer import open_index_path, publish_index

_READ_BYTES = 256 * 1024
#: A WARC header that does not end within this is taken for damage.
_MAX_HEADER_BYTES = 64 * 1024
_GZIP_WBITS = 31
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})\r?$", re.IGNORECASE | re.MULTILINE)


def recover(series: FileSeries) -> list[str]:
    """Publish the complete records of files whose process has died; return warnings.

    Raises:
        OSError: a file cannot be read or written.
        SourceError: the records of a file cannot be read.
    """
    return [warning for claimed in series.claim_abandoned() for warning in _recover_file(claimed)]


def _recover_file(claimed: ClaimedFile) -> list[str]:
    path = claimed.path
    try:
        with claimed.open_path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            is_compressed = path.name.endswith(".gz")
            ends = member_ends(file) if is_compressed else record_ends(file)
            count, end = _count_and_last(ends)
        has_exchanges = count > 1  # The first record is the warcinfo record.
        if has_exchanges:
            os.ftruncate(claimed.fd, end)
            _rebuild_index(claimed)
    except BaseException:
        os.close(claimed.fd)
        raise
    open_index_path(claimed).unlink(missing_ok=True)
    if not has_exchanges:
        claimed.discard()
        return []
    claimed.publish()
    dropped = size - end
    suffix = f", without the {dropped} bytes of an incomplete record" if dropped else ""
    return [f"recovered {path.name} of a killed run{suffix}"]


def _rebuild_index(claimed: ClaimedFile) -> None:
    """Write a file's index anew, because the killed run may not have written all its lines."""
    with open_index_path(claimed).open("w+b") as lines:
        for capture in scan_captures(claimed.open_path):
            lines.write(cdxj.format_line(capture, claimed.path.name).encode("utf-8") + b"\n")
        publish_index(lines, claimed)


def _count_and_last(ends: Iterator[int]) -> tuple[int, int]:
    count = last = 0
    for end in ends:
        count, last = count + 1, end
    return count, last


def member_ends(file: IO[bytes]) -> Iterator[int]:
    """Yield the end of each gzip member that holds a complete record, up to the first damage."""
    offset, rest = 0, b""
    while True:
        decompressor = zlib.decompressobj(_GZIP_WBITS)
        tail, consumed = b"", 0
        try:
            while not decompressor.eof:
                data = rest or file.read(_READ_BYTES)
                rest = b""
                if not data:
                    return
                consumed += len(data)
                while data and not decompressor.eof:
                    decompressed = decompressor.decompress(data, _READ_BYTES)
                    tail = (tail + decompressed)[-len(RECORD_END) :]
                    data = decompressor.unconsumed_tail
        except zlib.error:
            return
        rest = decompressor.unused_data
        offset += consumed - len(rest)
        if tail != RECORD_END:
            return
        yield offset


def record_ends(file: IO[bytes]) -> Iterator[int]:
    """Yield the end of each complete record of an uncompressed file, up to the first damage."""
    offset, size = 0, os.fstat(file.fileno()).st_size
    while True:
        file.seek(offset)
        header, separator, _ = file.read(_MAX_HEADER_BYTES).partition(RECORD_END)
        if not separator or not header.startswith(b"WARC/"):
            return
        # Whoever can write to the folder may have made the file.
        length = _CONTENT_LENGTH.search(header)
        if length is None:
            return
        offset += len(header) + len(RECORD_END) + int(length[1]) + len(RECORD_END)
        if offset > size:
            return
        file.seek(offset - len(RECORD_END))
        if file.read(len(RECORD_END)) != RECORD_END:
            return
        yield offset
