"""JUnit XML: each URL is a test case, and each check of the whole run a suite.

It is valid by the XML Schema that Jenkins uses. The counts of a suite stand before its cases, so
these wait in a temporary file; libraries for JUnit would hold all of them in memory.
"""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from downloader.models import LinkReport
from downloader.models.url_record import Record, Result
from downloader.report.diagnostics import CheckResult, Diagnostic, Level, diagnostic_of
from downloader.report.link_diagnostics import link_diagnostics, notes_of, start_time
from downloader.report.output_files import AtomicFile, Spool
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


class JunitReport:
    """A file of test suites, which is made at the end of the run."""

    def __init__(self, path: Path) -> None:
        self._spool = Spool(path)
        self._file = AtomicFile(path)
        self._tests = self._failures = self._skipped = 0
        self._seconds = 0.0

    def add(self, record: Record) -> None:
        """Take one record."""
        self._tests += 1
        self._seconds += record.seconds or 0.0
        content = ""
        if diagnostic := diagnostic_of(record):
            self._failures += 1
            content = _result(diagnostic)
        elif record.outcome is Result.SKIPPED:
            self._skipped += 1
            content = f"<skipped>{_text(record.message or record.reason or '')}</skipped>"
        case = _case(record.host or "list", record.url, content, record.seconds)
        self._spool.add(f"{case}\n".encode())

    def finish(self, run: RunRecord) -> None:
        """Write the suites, and give the file its name."""
        failed = sum(check.error_count for check in run.checks) + self._failures
        tests = sum(_test_count(check) for check in run.checks) + self._tests
        stopped = 0 if run.complete else 1
        counts = f'tests="{tests + stopped}" failures="{failed}" errors="{stopped}"'
        self._file.write(_XML)
        self._write(f'<testsuites name="download" {counts} time="{run.seconds:.3f}">')
        counts = f'tests="{self._tests}" failures="{self._failures}" errors="0"'
        started = _text(run.started.removesuffix("Z"))
        self._write(
            f'<testsuite name="urls" {counts} skipped="{self._skipped}"'
            f' time="{self._seconds:.3f}" timestamp="{started}">'
        )
        for line in self._spool:
            self._file.write(line)
        self._write("</testsuite>")
        for check in run.checks:
            self._write_lines(_check_suite(check))
        if not run.complete:
            self._write_lines(_stopped_suite(run))
        self._write("</testsuites>")
        self._file.commit()
        self._spool.close()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()
        self._spool.close()

    def _write(self, line: str) -> None:
        self._file.write(f"{line}\n".encode())

    def _write_lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._write(line)


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield a suite with a case for each broken link and each warning, and one for all others."""
    found = [*link_diagnostics(report)]
    notes = notes_of(report)
    failures = sum(each.level is Level.ERROR for each in found)
    errors = 1 if notes else 0
    counts = f'tests="{len(found) + 1 + errors}" failures="{failures}" errors="{errors}"'
    start = (
        f' time="{report.seconds:.3f}" timestamp="{_text(start_time(report).removesuffix("Z"))}"'
    )
    yield _XML
    yield f'<testsuites name="download" {counts} time="{report.seconds:.3f}">\n'.encode()
    yield f'<testsuite name="links" {counts}{start}>\n'.encode()
    for diagnostic in found:
        yield f"{_case('links', diagnostic.url, _result(diagnostic))}\n".encode()
    yield f"{_case('links', f'{report.totals.ok} links work', '')}\n".encode()
    if notes:
        error = f'<error type="incomplete" message="{_text("; ".join(notes))}"/>'
        yield f"{_case('links', 'every link is listed', error)}\n".encode()
    yield b"</testsuite>\n</testsuites>\n"


def _check_suite(check: CheckResult) -> Iterable[str]:
    """Yield the lines of a suite: a case for each diagnostic, or one that passes."""
    counts = f'tests="{_test_count(check)}" failures="{check.error_count}" errors="0"'
    yield f'<testsuite name="{_text(check.name)}" {counts}>'
    for diagnostic in check.diagnostics:
        name = diagnostic.url or diagnostic.message
        yield _case(check.name, name, _result(diagnostic))
    if not check.diagnostics:
        yield _case(check.name, check.name, "")
    yield "</testsuite>"


def _stopped_suite(run: RunRecord) -> Iterable[str]:
    """Yield the lines of the suite that says what was not tried."""
    message = _text(not_tried(run).message or "")
    yield '<testsuite name="run" tests="1" failures="0" errors="1">'
    error = f'<error type="interrupted" message="{message}"/>'
    yield _case("run", "every line was tried", error)
    yield "</testsuite>"


def _test_count(check: CheckResult) -> int:
    return len(check.diagnostics) or 1


def _case(class_name: str, name: str, content: str, seconds: float | None = None) -> str:
    """Return a test case; *content* is XML."""
    time = "" if seconds is None else f' time="{seconds:.3f}"'
    start = f'<testcase classname="{_text(class_name)}" name="{_text(name)}"{time}'
    return f"{start}>{content}</testcase>" if content else f"{start}/>"


def _result(diagnostic: Diagnostic) -> str:
    """Return the result of a case: a failure, or the output of one that passes."""
    lines = [diagnostic.sentence, diagnostic.hint]
    lines += [f"in {location}" for location in diagnostic.locations]
    more = diagnostic.more_locations
    lines += [f"and in {more} more places"] if more else []
    text = "\n".join(_text(line) for line in lines if line)
    if diagnostic.level is not Level.ERROR:
        return f"<system-out>{text}</system-out>"
    message = _text(diagnostic.message)
    return f'<failure type="{_text(diagnostic.rule)}" message="{message}">{text}</failure>'


def _text(text: str) -> str:
    """Return *text* for XML, which has no control characters and no lone surrogates."""
    return escape(printable(text))
