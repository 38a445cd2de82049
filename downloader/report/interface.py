"""The interface between a run and its reports: options, a protocol, and a summary.

It imports nothing that writes or reads reports, because most runs make none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from downloader.models import Outcome

if TYPE_CHECKING:
    from downloader.report.budget import Budget
    from downloader.report.fail_on import FailOn


@dataclass(frozen=True, slots=True)
class GithubStep:
    """The step of a GitHub Actions workflow that this command runs in.

    Attributes:
        annotations: whether its output is read for workflow commands.
        summary: the file that summaries of the step are appended to, if any.
        workspace: the folder of the repository, if known.
    """

    annotations: bool
    summary: Path | None = None
    workspace: Path | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "GithubStep | None":
        """Return the step that variables of the environment describe; None elsewhere."""
        annotations = environment.get("GITHUB_ACTIONS") == "true"
        summary = environment.get("GITHUB_STEP_SUMMARY")
        workspace = environment.get("GITHUB_WORKSPACE")
        if not annotations and not summary:
            return None
        return cls(
            annotations,
            Path(summary) if summary else None,
            Path(workspace) if workspace else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The reports and checks that a run is to make.

    Attributes:
        files: reports to write, each in the format of its ending; ``-`` for standard output.
        sizes: whether to print tables of sizes.
        compare: an earlier report to compare with.
        fail_on: the changes since then that are unwanted, if any.
        max_changes: how many changes of each kind are printed.
        budget: size limits.
        lock: where to write the list with the hash of each body.
        locked: a list with hashes that the run has to match.
        lists: files that the run reads, which no report may overwrite.
        rewrites: whether the run changes saved files at its end, as a mirror does.
        github: the step of GitHub Actions to report to, if any.
    """

    files: Sequence[Path] = ()
    sizes: bool = False
    compare: Path | None = None
    fail_on: "FailOn | None" = None
    max_changes: int = 20
    budget: "Budget | None" = None
    lock: Path | None = None
    locked: Path | None = None
    lists: Sequence[Path] = ()
    rewrites: bool = False
    github: GithubStep | None = None

    @property
    def is_empty(self) -> bool:
        """Whether neither a report nor a check is wanted."""
        checks = (self.compare, self.budget, self.locked)
        return not any((self.files, self.sizes, self.lock, self.github, *checks))


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """The lines to print at the end of a run.

    Attributes:
        lines: for stdout: sizes, and changes since an earlier report.
        failures: for stderr: what is over budget, not as locked, or an unwanted change.
        notes: for stderr: everything else.
        files: the reports that were written.
        commands: for stdout: workflow commands of GitHub Actions, printed as they are.
    """

    lines: Sequence[str] = ()
    failures: Sequence[str] = ()
    notes: Sequence[str] = ()
    files: Sequence[Path] = ()
    commands: Sequence[str] = ()


class OutcomeReporter(Protocol):
    """Takes the outcomes of a run; see :class:`downloader.report.reporter.Reporter`."""

    def __enter__(self) -> Self:
        """Return this object."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove reports that are not finished."""

    def add(self, outcome: Outcome) -> None:
        """Report one outcome.

        Raises:
            BrokenPipeError: nobody reads the report on standard output any more.
        """

    async def finish(self, *, untried: int, list_read: bool, colour: bool = False) -> ReportSummary:
        """Finish all reports after the last outcome."""


class NullReporter(OutcomeReporter):
    """Makes no reports."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return

    def add(self, outcome: Outcome) -> None:
        """Ignore the outcome."""

    async def finish(self, *, untried: int, list_read: bool, colour: bool = False) -> ReportSummary:
        """Return an empty summary."""
        del untried, list_read, colour
        return ReportSummary()


def open_reporter(options: ReportOptions, output: Path | None) -> OutcomeReporter:
    """Return the reporter of a run that saves its files in the folder *output*, if in any.

    Raises:
        ReportError: a file cannot be written or read.
    """
    if options.is_empty:
        return NullReporter()
    from downloader.report.reporter import Reporter

    return Reporter(options, output)
