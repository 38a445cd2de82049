"""``download compare``: compare two reports without a run."""

from pathlib import Path

import click

from downloader.models import ExitStatus
from downloader.report.compare import COMPARED_FIELDS
from downloader.report.record import Result
from downloader.report.report_reader import read
from downloader.report.reporter import compare_with

_OPTION = "compare"


def run_compare(old: Path, new: Path, *, max_shown: int = 20) -> ExitStatus:
    """Print what changed from the report *old* to the report *new*.

    Args:
        old: the earlier report, in any format that can be read.
        new: the later report.
        max_shown: how many changes of each kind are printed; further ones are only counted.

    Returns:
        ``DONE``, whether or not there are changes, as ``--compare`` never fails a run.

    Raises:
        ReportError: one of them cannot be read, or is no report.
    """
    comparison = compare_with(old, _OPTION)
    complete = True
    for record in read(new, _OPTION, COMPARED_FIELDS):
        if record.outcome is Result.NOT_TRIED:
            complete = False
        else:
            comparison.add(record)
    comparison.finish(complete=complete)
    for line in comparison.lines(max_shown):
        click.echo(line)
    return ExitStatus.DONE
