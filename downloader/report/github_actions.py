"""GitHub Actions: annotations, which are workflow commands in the output, and a step's summary."""

import os
from dataclasses import dataclass, field

from downloader.models.url_record import Record
from downloader.report.diagnostics import Diagnostic, Level, Location, diagnostic_of
from downloader.report.formats.markdown import MarkdownSummary
from downloader.report.interface import GithubStep
from downloader.report.output_files import open_lines, translated_errors
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

#: Annotations of each level that GitHub shows for one step.
MAX_ANNOTATIONS = 10
_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
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
        self._annotations = {level: _Annotations() for level in Level}
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
        if self._step.annotations:
            self.commands = self._commands(run)
        if self._file is not None and self._step.summary is not None:
            with translated_errors(self._step.summary, _VARIABLE):
                self._file.write(f"{self._summary.text(run)}\n".encode())
                self._file.close()

    def abandon(self) -> None:
        """Close the file of the summary."""
        if self._file is not None:
            self._file.close()

    def _annotate(self, diagnostic: Diagnostic) -> None:
        annotations = self._annotations[diagnostic.level]
        annotations.count += 1
        if len(annotations.shown) < MAX_ANNOTATIONS:
            annotations.shown.append(self._command(diagnostic))

    def _commands(self, run: RunRecord) -> list[str]:
        commands: list[str] = []
        for level, annotations in self._annotations.items():
            shown = annotations.shown
            if annotations.count > len(shown):
                # The last one says how many more there are.
                shown = shown[:-1]
                more = f"and {annotations.count - len(shown):,} more of this level"
                commands.append(f"::{_COMMANDS[level]} title=download::{more}")
            commands = [*shown, *commands]
        if not run.complete:
            message = _data(not_tried(run).message or "")
            commands.append(f"::warning title=download::{message}")
        return commands

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
        return f"::{_COMMANDS[diagnostic.level]} {','.join(properties)}::{_data(message)}"

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
