"""The subcommand ``compare``: show what changed from one report to another."""

import os
from pathlib import Path
from typing import Any

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options.common import CONFIG, DEBUG, FAIL_ON, REPORT
from downloader.cli.options.help_groups import context_settings, option
from downloader.cli.options.parameter_types import NumberParam, PathParam
from downloader.models import ExitStatus
from downloader.report.formats import STDOUT
from downloader.report.interface import GithubStep, ReportOptions

_MAX_SHOWN = ReportOptions().max_changes
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
@FAIL_ON
@REPORT
@DEBUG
@CONFIG
def command(old: Path, new: Path, **given: Any) -> None:
    """Show what is new, gone or changed from the report OLD to the report NEW.

    Both are files that --report wrote (.jsonl, .json, .parquet).

    Exit status: 0 whether or not there are changes, 1 on those of --fail-on, 2 if a report cannot
    be read.
    """
    options = ReportOptions(
        files=given["report"],
        compare=old,
        fail_on=given["fail_on"],
        max_changes=given["max_shown"],
        lists=(new,),
        github=GithubStep.of(os.environ),
    )
    run_and_exit(lambda: run_compare(new, options), debug=given["debug"])


def run_compare(new: Path, options: ReportOptions) -> ExitStatus:
    """Print what changed from an earlier report to the report *new*.

    Args:
        new: the later report.
        options: with the earlier report as ``compare``.

    Returns:
        ``SOME_FAILED`` if there is a change of ``fail_on``, else ``DONE``.

    Raises:
        ReportError: one of them cannot be read, or is no report.
    """
    # Imported here, so that --help does not wait for them.
    from downloader.cli.merge_reports import check_readable_whole, report_again
    from downloader.models.url_record import FIELD_NAMES
    from downloader.report.compare import COMPARED_FIELDS
    from downloader.report.reporter import Reporter

    if options.files:
        check_readable_whole([new])
    names = FIELD_NAMES if options.files else COMPARED_FIELDS
    with Reporter(options, None) as reporter:
        report_again([new], reporter, names, to_stderr=STDOUT in options.files)
    return ExitStatus.SOME_FAILED if reporter.violations else ExitStatus.DONE
