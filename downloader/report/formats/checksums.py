"""SHA256SUMS: the hash and the name of each saved file, as ``sha256sum -c`` reads them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from downloader.models.checksums import format_checksum_line
from downloader.models.url_record import Record
from downloader.report.output_files import AtomicFile, Spool
from downloader.report.run_record import RunRecord


class ChecksumReport:
    """A line for each saved file, whose name is relative to the output folder.

    It is written at the end of the run, because a mirror rewrites its pages last. Until then, names
    and hashes wait in a temporary file.
    """

    def __init__(self, path: Path) -> None:
        self._spool = Spool(path)
        self._file = AtomicFile(path)

    def add(self, record: Record) -> None:
        """Take one record."""
        if record.path:
            self._spool.add(json.dumps([record.path, record.sha256]).encode() + b"\n")

    def finish(self, run: RunRecord) -> None:
        """Write all lines, and give the file its name."""
        for name, sha256 in self._saved_files(run):
            line = f"{format_checksum_line(name, sha256)}\n"
            self._file.write(line.encode("utf-8", "surrogateescape"))
        self._file.commit()
        self._spool.close()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()
        self._spool.close()

    def _saved_files(self, run: RunRecord) -> Iterator[tuple[str, str]]:
        """Yield names and hashes; a hash that is not known is that of the file."""
        for line in self._spool:
            name, sha256 = json.loads(line)
            if (sha256 is None or run.rewritten) and run.output is not None:
                sha256 = _sha256(run.output / name)
            if sha256 is not None:
                yield name, sha256


def _sha256(path: Path) -> str | None:
    """Return the hash of a file; None if there is none."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
