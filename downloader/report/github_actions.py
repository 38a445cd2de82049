"""GitHub Actions: annotations, which are workflow commands in the output, and a step's summary."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from downloader.models import LinkReport
from downloader.models.url_record import Record
from downloader.report.diagnostics import Diagnostic, Level, Location, diagnostic_of
from downloader.report.formats.markdown import MarkdownSummary, link_summary
from downloader.report.interface import GithubStep
from downloader.report.link_diagnostics import link_diagnostics, notes_of
from downloader.report.output_files import open_lines, translated_errors
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

#: Annotations of each level that GitHub shows for one step.
MAX_ANNOTATIONS = 10
#: The levels that are shown; their commands have the same names.
_LEVELS = (Level.ERROR, Level.WARNING)
_VARIABLE = "GITHUB_STEP_SUMMARY"


@dataclass(slots=True)
class _Annotations:
    """The annotations of one level, of which the first are kept."""

    count: int = 0
    shown: list[str] = field(default_factory=list)


class GithubReport:
    """Collects annotations, and appends the run's summary to that of the step.

    Attributes:
        commands: the workflow commands to print, one a line, once the report is finished.

    Raises, when made:
        ReportError: the summary cannot be written.
    """

    def __init__(self, step: GithubStep) -> None:
        self.commands: list[str] = []
        self._step = step
        self._summary = MarkdownSummary()
        self._annotations = {level: _Annotations() for level in _LEVELS}
        self._file = open_lines(step.summary, _VARIABLE) if step.summary else None

    def add(self, record: Record) -> None:
        """Take one record."""
        self._summary.add(record)
        if diagnostic := diagnostic_of(record):
            self._annotate(diagnostic)

    def finish(self, run: RunRecord) -> None:
        """Append the summary, and complete the commands."""
        for check in run.checks:
            for diagnostic in check.diagnostics:
                self._annotate(diagnostic)
        notes = [] if run.complete else [not_tried(run).message or ""]
        self._finish(self._summary.text(run), notes)

    def finish_links(self, report: LinkReport) -> None:
        """Append the summary of a check of links, and complete the commands."""
        for diagnostic in link_diagnostics(report):
            self._annotate(diagnostic)
        self._finish(link_summary(report), notes_of(report))

    def abandon(self) -> None:
        """Close the file of the summary."""
        if self._file is not None:
            self._file.close()

    def _finish(self, summary: str, notes: Sequence[str]) -> None:
        if self._step.annotations:
            self.commands = self._commands(notes)
        if self._file is not None and self._step.summary is not None:
            with translated_errors(self._step.summary, _VARIABLE):
                self._file.write(f"{summary}\n".encode())
                self._file.close()

    def _annotate(self, diagnostic: Diagnostic) -> None:
        annotations = self._annotations.get(diagnostic.level)
        if annotations is None:
            return
        annotations.count += 1
        if len(annotations.shown) < MAX_ANNOTATIONS:
            annotations.shown.append(self._command(diagnostic))

    def _commands(self, notes: Sequence[str]) -> list[str]:
        commands: list[str] = []
        for level, annotations in self._annotations.items():
            shown = annotations.shown
            if annotations.count <= len(shown):
                commands += shown
                continue
            # The last one says how many more there are.
            more = f"and {annotations.count - len(shown) + 1:,} more of this level"
            commands += [*shown[:-1], f"::{level} title=download::{more}"]
        return [*commands, *(f"::warning title=download::{_data(note)}" for note in notes)]

    def _command(self, diagnostic: Diagnostic) -> str:
        """Return the workflow command for one annotation."""
        properties = [f"title={_property(f'download: {diagnostic.rule}')}"]
        message = diagnostic.sentence
        local = [each for each in diagnostic.locations if not each.is_url]
        if local:
            properties = [*self._position(local[0]), *properties]
        elif diagnostic.locations:
            message = f"{message} (in {printable(str(diagnostic.locations[0]))})"
        if diagnostic.hint:
            message = f"{message}; {printable(diagnostic.hint)}"
        return f"::{diagnostic.level} {','.join(properties)}::{_data(message)}"

    def _position(self, location: Location) -> list[str]:
        path = location.address
        if self._step.workspace is not None:
            # Relative to the repository, wherever the command runs.
            path = os.path.relpath(path, self._step.workspace)
        line = [f"line={location.line}"] if location.line else []
        return [f"file={_property(path)}", *line]


def _data(text: str) -> str:
    """Return a text as the message of a workflow command."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return a text as the value of a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
