"""What the tests of archives share: reading them with warcio, which did not write them."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import BufferedReader
from warcio.checker import Checker

from downloader import Options, Outcome
from downloader.archive import seeds
from downloader.core.local_run import LocalRun
from downloader.sources import from_archive
from tests.support.clock import FakeClock


@dataclass(frozen=True)
class Read:
    """One record as warcio reads it.

    Attributes:
        kind, url: its type, and its target.
        fields: of its header.
        block: all its bytes behind that.
        offset, length: where it is in the file.
    """

    kind: str
    url: str
    fields: dict[str, str]
    block: bytes
    offset: int
    length: int

    @property
    def head(self) -> bytes:
        """The head of the HTTP message in it."""
        return self.block.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    @property
    def payload(self) -> bytes:
        """What follows that head."""
        return self.block.partition(b"\r\n\r\n")[2]


def read(path: Path) -> list[Read]:
    """Return the records of a file, which warcio must find without fault."""
    check(path)
    return list(_records(path))


def _records(path: Path) -> Iterator[Read]:
    with path.open("rb") as file:
        found = ArchiveIterator(file, no_record_parse=True)
        for record in found:
            block = record.raw_stream.read()
            yield Read(
                record.rec_type,
                record.rec_headers.get_header("WARC-Target-URI") or "",
                dict(record.rec_headers.headers),
                block,
                found.get_record_offset(),
                found.get_record_length(),
            )
        assert found.err_count == 0


@dataclass
class _Command:
    inputs: list[str]
    verbose: bool = False


def check(*paths: Path) -> None:
    """Do what ``warcio check`` does.

    But for undoing brotli, which warcio can only with a package other than Google's.
    """
    BufferedReader.DECOMPRESSORS.pop("br", None)
    checker = Checker(_Command([str(path) for path in paths]))
    checker.process_all()
    assert not checker.exit_value, "warcio check fails"


def answers(path: Path) -> list[Read]:
    """Return the answers in a file."""
    return [record for record in read(path) if record.kind in ("response", "revisit")]


def about(path: Path, url: str) -> list[Read]:
    """Return the answers of one address."""
    return [record for record in answers(path) if record.url == url]


def count_gzip_members(data: bytes) -> int:
    """Return how many gzip members there are, all of them whole."""
    count = 0
    while data:
        one = zlib.decompressobj(31)
        one.decompress(data)
        assert one.eof
        data = one.unused_data
        count += 1
    return count


async def download_archives(
    *archives: Path, folder: Path, options: Options | None = None
) -> list[Outcome]:
    """Do what ``download ARCHIVE… -o folder`` does."""
    options = replace(options or Options(), output=folder, replay=archives, retries=0)
    clock = FakeClock()
    batch = LocalRun(
        lambda _: from_archive(seeds(archives)), options, sleep=clock.sleep, clock=clock
    )
    outcomes = [outcome async for outcome in batch.outcomes()]
    assert clock.waits == [], "no server is to be spared"
    return sorted(outcomes, key=lambda outcome: outcome.index)


def write_warc(path: Path, *answers: tuple[str, str, list[tuple[str, str]], bytes]) -> Path:
    """Write a file with what other tools may have put in it."""
    records = []
    for url, status, fields, body in answers:
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
        block = "\r\n".join(lines).encode() + body
        header = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
            "WARC-Record-ID: <urn:uuid:0>\r\nWARC-Date: 2020-02-02T02:02:02Z\r\n"
            "Content-Type: application/http; msgtype=response\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        )
        record = header.encode() + block + b"\r\n\r\n"
        records.append(gzip.compress(record) if path.name.endswith(".gz") else record)
    path.write_bytes(b"".join(records))
    return path
