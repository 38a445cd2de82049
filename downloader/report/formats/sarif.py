"""SARIF 2.1.0: failures and findings of checks, for code scanning and editors.

It is written while the run goes on. The classes of the library for SARIF (sarif-om) would hold all
results in memory, and would save only the names of a few members.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePath
from urllib.parse import quote

from downloader._version import __version__
from downloader.models import LinkReport
from downloader.models.url_record import Record
from downloader.report.diagnostics import RULES, Diagnostic, Location, diagnostic_of
from downloader.report.link_diagnostics import link_diagnostics, notes_of, start_time
from downloader.report.output_files import AtomicFile
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

#: Results of one run that GitHub takes.
MAX_RESULTS = 25_000
#: Results without a location that are notes instead.
_MAX_NOTES = 100
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULE_INDEXES = {rule: index for index, rule in enumerate(RULES)}
_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
#: Members and values of an object in JSON.
_Object = Mapping[str, object]


class SarifReport:
    """A log of a run's failures; what does not fail is not in it."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path)
        self._log = _Log(self._file.write)

    def add(self, record: Record) -> None:
        """Write the result of one record, if it failed."""
        if diagnostic := diagnostic_of(record):
            self._log.add(diagnostic)

    def finish(self, run: RunRecord) -> None:
        """Write the results of checks and the rest, and give the file its name."""
        for check in run.checks:
            for diagnostic in check.diagnostics:
                self._log.add(diagnostic)
        notes = [] if run.complete else [not_tried(run).message or ""]
        self._log.finish(run.started, notes, is_complete=run.complete)
        self._file.commit()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield a log of broken links and warnings."""
    pieces: list[bytes] = []
    log = _Log(pieces.append)
    for diagnostic in link_diagnostics(report):
        log.add(diagnostic)
        yield from pieces
        pieces.clear()
    log.finish(start_time(report), notes_of(report), is_complete=report.complete)
    yield from pieces


class _Log:
    """A log with one run, written result by result.

    Args:
        write: appends bytes to the file.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._count = 0
        self._without_location: list[str] = []
        tool = {"driver": _driver()}
        write(
            f'{{"$schema":"{_SCHEMA}","version":"2.1.0",'
            f'"runs":[{{"tool":{json.dumps(tool)},"columnKind":"unicodeCodePoints",'
            '"results":['.encode()
        )

    def add(self, diagnostic: Diagnostic) -> None:
        """Write a result."""
        if not (diagnostic.url or diagnostic.locations):
            # Code scanning refuses results that are nowhere.
            if len(self._without_location) < _MAX_NOTES:
                self._without_location.append(diagnostic.sentence)
            return
        self._count += 1
        if self._count <= MAX_RESULTS:
            separator = "\n" if self._count == 1 else ",\n"
            self._write(f"{separator}{json.dumps(_result(diagnostic))}".encode())

    def finish(self, started: str, notes: Sequence[str], *, is_complete: bool) -> None:
        """Write the rest.

        Args:
            started: when the run began, as RFC 3339 writes it.
            notes: what the results do not say.
            is_complete: whether the run came to its end.
        """
        messages = [*self._without_location, *notes]
        if self._count > MAX_RESULTS:
            more = self._count - MAX_RESULTS
            messages.append(f"{more} more results are not in this file, which has {MAX_RESULTS}")
        invocation = {
            "executionSuccessful": is_complete,
            "startTimeUtc": started,
            "toolExecutionNotifications": [
                {"level": "warning", "message": {"text": text}} for text in messages
            ],
        }
        self._write(f'\n],"invocations":[{json.dumps(invocation)}]}}]}}\n'.encode())


def _driver() -> _Object:
    rules = [
        {"id": rule, "shortDescription": {"text": rule}, "help": {"text": advice}}
        for rule, advice in RULES.items()
    ]
    return {"name": "download", "version": __version__, "rules": rules}


def _result(diagnostic: Diagnostic) -> _Object:
    hint = f" ({printable(diagnostic.hint)})" if diagnostic.hint else ""
    # Code scanning follows a result from run to run by this hash.
    identity = f"{diagnostic.rule} {diagnostic.url or diagnostic.message}"
    fingerprint = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {
        "ruleId": diagnostic.rule,
        "ruleIndex": _RULE_INDEXES[diagnostic.rule],
        "level": diagnostic.level.value,
        "message": {"text": f"{diagnostic.sentence}{hint}"},
        "locations": _locations(diagnostic),
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:1"},
        "properties": {"url": printable(diagnostic.url)},
    }


def _locations(diagnostic: Diagnostic) -> Sequence[_Object]:
    """Return the locations; where nothing names a URL, the URL itself."""
    locations = diagnostic.locations or (Location(diagnostic.url),)
    return [_location(each) for each in locations]


def _location(location: Location) -> _Object:
    artifact: dict[str, object] = {"uri": _uri(location)}
    if location.is_url:
        artifact["description"] = {"text": printable(location.address)}
    physical: dict[str, object] = {"artifactLocation": artifact}
    if location.line:
        physical["region"] = {"startLine": location.line}
    return {"physicalLocation": physical}


def _uri(location: Location) -> str:
    """Return a relative reference, below the current folder.

    GitHub refuses a whole file that has an address of the web, so one loses its scheme.
    """
    if location.is_url:
        address = _LONE_PERCENT.sub("%25", location.address.partition("://")[2])
        return quote(address, safe="/%@!$&'()*+,;=~", errors="surrogatepass")
    path = PurePath(location.address)
    if path.is_absolute():
        if not path.is_relative_to(Path.cwd()):
            return path.as_uri()
        path = path.relative_to(Path.cwd())
    return quote(path.as_posix(), errors="surrogatepass")
