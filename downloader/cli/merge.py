"""The subcommand ``merge``: the output folders, or the reports, of several runs become one."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options import Given
from downloader.cli.options.common import (
    BUDGET,
    COMPARE,
    CONFIG,
    DEBUG,
    FAIL_ON,
    LOCK,
    OUTPUT_FOLDER,
    REPORT,
    SIZES,
)
from downloader.cli.options.help_groups import context_settings, option
from downloader.cli.options.parameter_types import OutputParam
from downloader.models import ExitStatus
from downloader.report.formats import STDOUT, format_of
from downloader.report.interface import GithubStep, ReportOptions

#: Options that make something of reports.
_REPORT_OPTIONS = ("report", "sizes", "compare", "fail_on", "budget", "lock")


@click.command("merge", context_settings=context_settings("DOWNLOAD_MERGE"))
@click.argument("names", nargs=-1, required=True, metavar="DIR|REPORT...")
@option(
    "Output",
    "-o",
    "--output",
    metavar="DIR",
    type=OutputParam(),
    default=OUTPUT_FOLDER,
    help=f"Merge folders into this one [{OUTPUT_FOLDER}].",
)
@REPORT
@SIZES
@COMPARE
@FAIL_ON
@BUDGET
@LOCK
@option("Report", "-q", "--quiet", is_flag=True, help="Print failures only.")
@DEBUG
@CONFIG
@click.pass_context
def command(ctx: click.Context, /, names: tuple[str, ...], **given: Any) -> None:
    """Merge output folders, or reports, of several runs into one.

    Give each DIR the whole --output of a run; they stay as they are. Or give REPORTs that --report
    wrote (.jsonl, .json), and name what to make of them: --report, --sizes, --compare, --budget.

    Exit status: 0 all merged, 1 a URL failed or could not be merged, 2 usage, 3 the disk failed.
    """
    if given["output"].remote or any("://" in name for name in names):
        raise click.UsageError("merge reads and writes folders of this machine, not stores", ctx)
    paths = [Path(name) for name in names]
    output = given["output"].folder
    if any(path.is_dir() for path in paths) or not any(map(format_of, paths)):
        if wrong := [name for name in _REPORT_OPTIONS if given[name]]:
            raise click.UsageError(f"--{wrong[0]} is for merging reports, not folders", ctx)
        run_and_exit(lambda: _merge_folders(paths, output, given), debug=given["debug"])
    if given["fail_on"] and not given["compare"]:
        raise click.UsageError("--fail-on needs --compare", ctx)
    run_and_exit(lambda: _merge_reports(paths, output, given), debug=given["debug"])


# Journals and reports are imported here, so that --help does not wait for them.
def _merge_folders(folders: Sequence[Path], output: Path, given: Given) -> ExitStatus:
    from downloader.cli.merge_folders import run_merge_folders

    return run_merge_folders(folders, output, quiet=given["quiet"])


def _merge_reports(reports: Sequence[Path], output: Path, given: Given) -> ExitStatus:
    from downloader.cli.merge_reports import run_merge_reports
    from downloader.report.reporter import Reporter

    options = ReportOptions(
        files=given["report"],
        sizes=given["sizes"],
        compare=given["compare"],
        fail_on=given["fail_on"],
        budget=given["budget"],
        lock=given["lock"],
        lists=reports,
        github=GithubStep.of(os.environ),
    )
    with Reporter(options, output) as reporter:
        return run_merge_reports(
            reports, reporter, quiet=given["quiet"], to_stderr=STDOUT in given["report"]
        )
