"""Writes the result of a check of links to the files that ``--report`` names."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from downloader.errors import DiskError, ReportError
from downloader.models import LinkReport
from downloader.report.formats import FORMATS, STDOUT, ReportFormat, format_of
from downloader.report.github_actions import GithubReport
from downloader.report.interface import GithubStep
from downloader.report.output_files import REPORT_OPTION, AtomicFile, translated_errors


class _OutputFile(Protocol):
    def write(self, data: bytes) -> None:
        """Append *data*."""

    def commit(self) -> None:
        """Finish the file."""

    def abandon(self) -> None:
        """Remove the file, unless it was committed."""


class _Stdout:
    """Standard output, in the place of a file."""

    def write(self, data: bytes) -> None:
        """Write *data*."""
        with translated_errors(STDOUT, REPORT_OPTION):
            sys.stdout.buffer.write(data)

    def commit(self) -> None:
        """Write what is buffered."""
        with translated_errors(STDOUT, REPORT_OPTION):
            sys.stdout.flush()

    def abandon(self) -> None:
        """Do nothing: what is written cannot be taken back."""


class LinkReportFiles:
    """The report files of one check; a context manager that removes what is not written.

    Args:
        paths: of the files.
        github: the step of GitHub Actions to report to, if any.

    Attributes:
        commands: workflow commands for that step to print, once all is written.

    Raises, when made:
        ReportError: a file cannot be written, or its format has no links.
    """

    def __init__(self, paths: Sequence[Path], github: GithubStep | None = None) -> None:
        self.commands: Sequence[str] = ()
        self._files: list[tuple[ReportFormat, _OutputFile]] = []
        self._github: GithubReport | None = None
        try:
            for path in paths:
                file = _Stdout() if path == STDOUT else AtomicFile(path)
                self._files.append((_format(path), file))
            if github is not None:
                self._github = GithubReport(github)
            if len({os.path.realpath(path) for path in paths}) < len(paths):
                raise ReportError("a report is named twice", hint="give each a name of its own")
        except BaseException:
            self._abandon()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._abandon()

    def write(self, report: LinkReport) -> None:
        """Write all files.

        Raises:
            DiskError: the disk is full or fails.
        """
        first_error: DiskError | None = None
        for report_format, file in self._files:
            try:
                for piece in report_format.link_pieces(report):
                    file.write(piece)
                file.commit()
            except DiskError as error:
                # The other reports may be on other disks.
                first_error = first_error or error
        if self._github is not None:
            self._github.finish_links(report)
            self.commands = self._github.commands
        if first_error is not None:
            raise first_error

    def _abandon(self) -> None:
        if self._github is not None:
            self._github.abandon()
        for _, file in self._files:
            file.abandon()


def _format(path: Path) -> ReportFormat:
    report_format = format_of(path)
    if report_format is None or not report_format.has_links:
        known = ", ".join(each.ending for each in FORMATS.values() if each.has_links)
        raise ReportError(f"{path} has an ending of no report of links", hint=f"use {known}")
    return report_format
