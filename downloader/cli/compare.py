"""The subcommand ``compare``: show what changed from one report to another."""

from pathlib import Path

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options.common import CONFIG, DEBUG
from downloader.cli.options.help_groups import context_settings, option
from downloader.cli.options.parameter_types import NumberParam, PathParam
from downloader.models import ExitStatus

_MAX_SHOWN = 20
_REPORT_FILE = PathParam(exists=True, dir_okay=False)


@click.command("compare", context_settings=context_settings("DOWNLOAD_COMPARE"))
@click.argument("old", type=_REPORT_FILE)
@click.argument("new", type=_REPORT_FILE)
@option(
    "Report",
    "--max-shown",
    type=NumberParam(0),
    default=_MAX_SHOWN,
    help=f"Maximum changes to print of each kind [{_MAX_SHOWN}].",
)
@DEBUG
@CONFIG
def command(old: Path, new: Path, *, max_shown: int, debug: bool, config: Path | None) -> None:
    """Show what is new, gone or changed from the report OLD to the report NEW.

    Both are files that --report wrote (.jsonl, .json, .parquet).

    Exit status: 0 whether or not there are changes, 2 if a report cannot be read.
    """
    del config  # its values are defaults of the others
    run_and_exit(lambda: run_compare(old, new, max_shown=max_shown), debug=debug)


def run_compare(old: Path, new: Path, *, max_shown: int = _MAX_SHOWN) -> ExitStatus:
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
    # Imported here, so that --help does not wait for them.
    from downloader.models.url_record import Result
    from downloader.report.compare import COMPARED_FIELDS
    from downloader.report.report_reader import read
    from downloader.report.reporter import compare_with

    comparison = compare_with(old)
    complete = True
    for record in read(new, COMPARED_FIELDS):
        if record.outcome is Result.NOT_TRIED:
            complete = False
        else:
            comparison.add(record)
    comparison.finish(complete=complete)
    for line in comparison.lines(max_shown):
        click.echo(line)
    return ExitStatus.DONE
