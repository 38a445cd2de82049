"""JSON: one object with all records and the run as a whole."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from downloader.models import LinkReport
from downloader.models.url_record import Record
from downloader.report.formats.jsonl import encode, json_line, parse_json
from downloader.report.json_schema import SCHEMA_ID
from downloader.report.link_fields import LINKS_SCHEMA_ID, link_dict, run_dict
from downloader.report.output_files import AtomicFile
from downloader.report.run_record import RunRecord, not_tried


class JsonReport:
    """One JSON object with the identifier of its schema, the records, and the run."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path)
        self._file.write(f'{{"schema":"{SCHEMA_ID}","records":['.encode())
        self._separator = b"\n"

    def add(self, record: Record) -> None:
        """Write one record."""
        self._file.write(self._separator + json_line(record)[:-1])
        self._separator = b",\n"

    def finish(self, run: RunRecord) -> None:
        """Write the rest, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        self._file.write(f'\n],"run":{run.as_json()}}}\n'.encode())
        self._file.commit()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield one JSON object: the schema, the links, the pages, and the check as a whole."""
    yield f'{{"schema":"{LINKS_SCHEMA_ID}","links":['.encode()
    separator = "\n"
    for link in report.links:
        yield f"{separator}{encode(link_dict(link))}".encode()
        separator = ",\n"
    yield b'\n],"pages":['
    separator = "\n"
    for page in report.pages:
        yield f"{separator}{encode({'url': page.url, 'links': page.links})}".encode()
        separator = ",\n"
    yield f'\n],"run":{encode(run_dict(report))}}}\n'.encode()


def read_members(
    path: Path, file: BinaryIO, names: Collection[str]
) -> Iterator[tuple[str, object]]:
    """Yield the position of each record, and the JSON value there."""
    del names
    match parse_json(file.read()):
        case {"records": list(records)}:
            for number, record in enumerate(records, 1):
                yield f"record {number} of {path}", record
        case _:
            yield str(path), None
