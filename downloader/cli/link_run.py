"""A check of links, from the options of a command line to what is printed of it."""

import asyncio
import os
from collections.abc import Sequence

from downloader import sources
from downloader.cli.download_setup import OPTION_FIELDS, proxies_given, request_fields
from downloader.cli.link_lines import problem_lines, summary_lines
from downloader.cli.options import Given
from downloader.cli.outcome_lines import count
from downloader.cli.stop_signals import stop_on_signals
from downloader.cli.terminal import ProgressState, Terminal
from downloader.core.event_loop import runner, widen_resolver
from downloader.link_check import LinkCheck, LinkCheckOptions
from downloader.models import DEFAULT_LEVEL, ExitStatus, LinkReport, LinkVerdict, Options
from downloader.report.formats import STDOUT
from downloader.report.interface import GithubStep
from downloader.report.link_files import LinkReportFiles
from downloader.scheduling import check_open_file_limit
from downloader.web.text import printable

#: Options of the command that are fields of Options with another meaning there.
_OWN_FIELDS = frozenset({"level"})


def check_links(source: Sequence[str], given: Given) -> ExitStatus:
    """Check the links of SOURCEs, as the options say.

    Raises:
        DownloadError: a source cannot be read, or the check could not be made to its end.
        OSError: the output cannot be written.
    """
    check_open_file_limit()
    for each in source:
        if not LinkCheck.is_local(each):
            sources.check_readable(each)
    options, check = _options_of(given)
    github = GithubStep.of(os.environ)
    with LinkReportFiles(given["report"], github) as files, runner(debug=given["debug"]) as loop:
        return loop.run(_run(source, options, check, files, given))


def _options_of(given: Given) -> tuple[Options, LinkCheckOptions]:
    same = {
        name: value
        for name, value in given.items()
        if name in OPTION_FIELDS and name not in _OWN_FIELDS
    }
    changed = {**request_fields(given), **proxies_given(given), "robots": not given["no_robots"]}
    level = DEFAULT_LEVEL if given["recursive"] and given["level"] is None else given["level"]
    check = LinkCheckOptions(
        level=level,
        accept_status=given["accept_status"],
        exclude=given["exclude"],
        host_rules=given["host_rule"],
        cert_days=given["cert_days"],
        offline=given["offline"],
        include_fragments=given["include_fragments"],
        max_age=given["max_age"],
    )
    return Options(**{**same, **changed, "save": False, "processes": 1}), check


async def _run(
    source: Sequence[str],
    options: Options,
    check: LinkCheckOptions,
    files: LinkReportFiles,
    given: Given,
) -> ExitStatus:
    widen_resolver(options.concurrency)
    run = LinkCheck(source, options, check)
    terminal = Terminal(
        lambda: _progress_state(run),
        lambda: run.stop(now=True),
        progress=not (given["no_progress"] or given["quiet"]),
        # What is printed must not get into the report.
        results_to_stderr=STDOUT in given["report"],
    )
    async with terminal:
        with stop_on_signals(run, terminal, uses_object_store=False) as received:
            report = await run.run()
            await asyncio.to_thread(files.write, report)
        _print(report, terminal, given)
        for command in files.commands:
            terminal.result(command)
        for warning in run.warnings:
            terminal.note(printable(f"download: {warning}"))
        if received:
            terminal.note(f"Stopped: {report.totals.not_checked} links were not checked")
    if received:
        return ExitStatus.INTERRUPTED
    return ExitStatus.SOME_FAILED if report.totals.broken else ExitStatus.DONE


def _progress_state(run: LinkCheck) -> ProgressState:
    progress = run.progress
    return ProgressState(progress.done, progress.total, progress.broken, progress.received)


def _print(report: LinkReport, terminal: Terminal, given: Given) -> None:
    shown = [
        link for link in report.links if link.verdict is LinkVerdict.BROKEN or not given["quiet"]
    ]
    for line in problem_lines(shown):
        terminal.result(line)
    if given["verbose"]:
        for page in report.pages:
            terminal.result(f"{page.url}: {count(page.links, 'link')}")
    if not given["quiet"]:
        if shown:
            terminal.result("")
        for line in summary_lines(report):
            terminal.result(line)
