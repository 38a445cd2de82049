"""A list with the hash, size and final URL of each, and whether a run finds just that."""

import json
from array import array
from dataclasses import dataclass
from pathlib import Path

from downloader.errors import ErrorKind, ReportError
from downloader.report.output_files import AtomicFile, Spool
from downloader.report.record import Record, Result
from downloader.report.run_record import RunRecord
from downloader.web.filenames import SafePath, candidates
from downloader.web.text import printable
from downloader.web.urls import Url

_FLAG = "--lock"


class LockWriter:
    """Writes a lock, if every line of the list has been done.

    It is in the order of the list, so that two of them can be compared line by line.

    Attributes:
        said: why it was not written; empty if it was.
    """

    def __init__(self, path: Path) -> None:
        self.said = ""
        self._path = path
        self._spool = Spool(path, _FLAG)
        self._file = AtomicFile(path, _FLAG)
        self._places = array("q")
        self._missing = 0

    def add(self, record: Record) -> None:
        """Take one record."""
        if record.outcome is Result.FAILED or record.parent is not None:
            self._missing += record.outcome is Result.FAILED
            return
        if record.sha256 is None:
            return  # it repeats another line
        line = {"url": record.url, "sha256": record.sha256, "size": record.decoded_bytes}
        if record.final_url is not None:
            line["final_url"] = record.final_url
        if (name := _given_name(record)) is not None:
            line["name"] = name
        place = self._spool.add(json.dumps(line).encode() + b"\n")
        self._places.extend((record.index or 0, place))

    def finish(self, run: RunRecord) -> None:
        """Write it in the order of the list."""
        if self._missing or not run.complete:
            failed = "1 URL" if self._missing == 1 else f"{self._missing} URLs"
            why = "the run was stopped" if not run.complete else f"{failed} failed"
            self.said = f"{self._path} was not written, because {why}"
            self.abandon()
            return
        places = sorted(zip(self._places[::2], self._places[1::2], strict=True))
        for _, place in places:
            self._file.write(self._spool.line(place))
        self._file.commit()
        self._spool.close()

    def abandon(self) -> None:
        """Remove what is not whole."""
        self._file.abandon()
        self._spool.close()


@dataclass(frozen=True, slots=True)
class LockEntry:
    """What a lock promises of one URL."""

    sha256: str
    size: int | None
    final_url: str | None


class LockCheck:
    """Holds records against a lock.

    Args:
        path: of the lock, which is the list of the run as well.

    Raises, when made:
        ReportError: it cannot be read, or is no lock.
    """

    def __init__(self, path: Path) -> None:
        self._pins = _read(path)
        self._drift: list[str] = []

    def add(self, record: Record) -> None:
        """Take one record."""
        pin = self._pins.get(record.url)
        if pin is None or (record.outcome is Result.SKIPPED and record.sha256 is None):
            return
        differences = list(_differences(pin, record))
        if differences:
            self._drift.append(f"{printable(record.url)}: {'; '.join(differences)}")

    def lines(self) -> list[str]:
        """Return what is not as it is locked, as sentences; none if everything is."""
        return self._drift


def _differences(pin: LockEntry, record: Record) -> list[str]:
    if record.outcome is Result.FAILED:
        said = printable(record.message or "")
        # The body is whole, and another one than was promised.
        if record.kind == ErrorKind.CHECKSUM:
            return [f"content: {said}; {pin.size} bytes are locked"]
        return [f"not there: {said}"]
    found = []
    if pin.size is not None and record.decoded_bytes != pin.size:
        found.append(f"size: {record.decoded_bytes} bytes, {pin.size} are locked")
    if record.sha256 != pin.sha256:
        found.append(f"content: sha256 is {record.sha256}, {pin.sha256} is locked")
    if None not in (pin.final_url, record.final_url) and pin.final_url != record.final_url:
        was = printable(pin.final_url or "")
        found.append(f"found at {printable(record.final_url or '')}, {was} is locked")
    return found


def _given_name(record: Record) -> str | None:
    """Return the name that the list gave, if the address alone would not lead to it."""
    if record.path is None:
        return None
    path = SafePath(record.path)
    if any(name.may_become(path) for name in candidates(Url(record.url))):
        return None
    return record.path


def _read(path: Path) -> dict[str, LockEntry]:
    pins: dict[str, LockEntry] = {}
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    url, pin = _pin(f"{path}:{number}", text)
                    pins[url] = pin
    except OSError as error:
        raise ReportError(f"cannot read --locked {path}: {error.strerror}") from error
    return pins


def _pin(place: str, text: bytes) -> tuple[str, LockEntry]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        line = None
    match line:
        case {"url": str(url), "sha256": str(sha256)}:
            size, final_url = line.get("size"), line.get("final_url")
            return url, LockEntry(
                sha256.lower(),
                size if isinstance(size, int) else None,
                final_url if isinstance(final_url, str) else None,
            )
    raise ReportError(
        f"--locked: {printable(place)} has no url and sha256", hint="give what --lock has written"
    )
