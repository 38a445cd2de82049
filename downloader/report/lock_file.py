"""Locks: lists with the hash, size and final URL of every body, and the check of a run."""

import json
from array import array
from dataclasses import dataclass
from pathlib import Path

from downloader.errors import ErrorKind, ReportError
from downloader.models import SkipReason
from downloader.models.url_record import Record, Result
from downloader.report.diagnostics import NOT_AS_LOCKED, CheckResult, Diagnostic, Level
from downloader.report.output_files import AtomicFile, Spool
from downloader.report.run_record import RunRecord
from downloader.web.filenames import SafePath
from downloader.web.text import printable
from downloader.web.url_names import candidates
from downloader.web.urls import Url

_OPTION = "--lock"
#: Reasons for which nothing is saved of what may be locked.
_NOT_FETCHED = (SkipReason.ROBOTS, SkipReason.FILTERED)


class LockWriter:
    """Writes a lock, unless a line of the list failed or was not tried.

    Its lines are in the order of the list, so that two locks can be compared line by line.

    Attributes:
        note: says why the lock was not written, or what it lacks; empty if it is complete.
    """

    def __init__(self, path: Path) -> None:
        self.note = ""
        self._path = path
        self._spool = Spool(path, _OPTION)
        self._file = AtomicFile(path, _OPTION)
        # Pairs of a line's index in the list and its offset in the spool.
        self._offsets = array("q")
        self._failed = self._without_hash = self._requests = 0

    def add(self, record: Record) -> None:
        """Take one record."""
        if record.outcome is Result.FAILED:
            self._failed += 1
            return
        if record.parent is not None or record.reason is SkipReason.DUPLICATE:
            return  # it is no line of the list, or an earlier line has its body
        if record.request is not None:
            self._requests += 1
            return
        if record.sha256 is None:
            self._without_hash += 1
            return
        line = {"url": record.url, "sha256": record.sha256, "size": record.decoded_bytes}
        if record.final_url is not None:
            line["final_url"] = record.final_url
        if (name := _given_name(record)) is not None:
            line["name"] = name
        offset = self._spool.add(json.dumps(line).encode() + b"\n")
        self._offsets.extend((record.index or 0, offset))

    def finish(self, run: RunRecord) -> None:
        """Write the lock in the order of the list."""
        if self._failed or not run.complete:
            failed = "1 URL" if self._failed == 1 else f"{self._failed} URLs"
            why = "the run was stopped" if not run.complete else f"{failed} failed"
            self.note = f"{self._path} was not written, because {why}"
            self.abandon()
            return
        for _, offset in sorted(zip(self._offsets[::2], self._offsets[1::2], strict=True)):
            self._file.write(self._spool.line(offset))
        self._file.commit()
        self._spool.close()
        if self._requests:
            self.note = f"{self._requests} not in {self._path}: a lock is a list of GETs only"
        elif self._without_hash:
            urls = "1 URL is" if self._without_hash == 1 else f"{self._without_hash} URLs are"
            self.note = (
                f"{urls} not in {self._path}: disallowed by robots.txt, left out by a filter, "
                "or of unknown content (--force fetches it)"
            )

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()
        self._spool.close()


@dataclass(frozen=True, slots=True)
class LockEntry:
    """The line of a lock for one URL."""

    sha256: str
    size: int | None
    final_url: str | None


class LockCheck:
    """Checks records against a lock.

    Args:
        path: of the lock, which is also the list of the run.

    Raises, when made:
        ReportError: it cannot be read, or is no lock.
    """

    def __init__(self, path: Path) -> None:
        self._entries = _read(path)
        self._differences: list[Diagnostic] = []

    def add(self, record: Record) -> None:
        """Take one record."""
        entry = self._entries.get(record.url)
        if entry is None or record.request or record.reason is SkipReason.DUPLICATE:
            return
        if record.reason is SkipReason.DONE and record.sha256 is None:
            return
        differences = _differences(entry, record)
        if differences:
            self._differences.append(
                Diagnostic(
                    rule=NOT_AS_LOCKED,
                    level=Level.ERROR,
                    url=record.url,
                    message="; ".join(differences),
                )
            )

    def result(self) -> CheckResult:
        """Return what differs from the lock."""
        return CheckResult("lock", "Not as locked", tuple(self._differences))


def _differences(entry: LockEntry, record: Record) -> list[str]:
    if record.outcome is Result.FAILED or record.reason in _NOT_FETCHED:
        if record.kind is ErrorKind.CHECKSUM:
            # The message of the failure shows both hashes and the size of the body.
            return [f"content: another hash, see its failure; {entry.size} bytes are locked"]
        return [f"not there: {record.message or ''}"]
    found = []
    if entry.size is not None and record.decoded_bytes != entry.size:
        found.append(f"size: {record.decoded_bytes} bytes, {entry.size} are locked")
    if record.sha256 != entry.sha256:
        found.append(f"content: sha256 is {record.sha256}, {entry.sha256} is locked")
    if None not in (entry.final_url, record.final_url) and entry.final_url != record.final_url:
        found.append(f"found at {record.final_url}, {entry.final_url} is locked")
    return found


def _given_name(record: Record) -> str | None:
    """Return the name that the list gave; None if the URL alone leads to the same name."""
    if record.path is None:
        return None
    path = SafePath(record.path)
    if any(name.may_become(path) for name in candidates(Url(record.url))):
        return None
    return record.path


def _read(path: Path) -> dict[str, LockEntry]:
    entries: dict[str, LockEntry] = {}
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    url, entry = _parse(f"{path}:{number}", text)
                    entries[url] = entry
    except OSError as error:
        raise ReportError(f"cannot read --locked {path}: {error.strerror}") from error
    return entries


def _parse(position: str, text: bytes) -> tuple[str, LockEntry]:
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
        f"--locked: {printable(position)} has no url and sha256",
        hint="give a file that --lock has written",
    )
