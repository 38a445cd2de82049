"""The subcommand ``links``: ask every link of pages, sites and folders once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options import Given
from downloader.cli.options.common import CONFIG, DEBUG, NO_PROGRESS
from downloader.cli.options.help_groups import GroupedCommand, context_settings, option
from downloader.cli.options.link_types import HostRuleParam, PatternParam, StatusSetParam
from downloader.cli.options.lists import SHARED_OPTIONS as LISTS
from downloader.cli.options.mirror import CRAWL_OPTIONS, SCOPE_OPTIONS
from downloader.cli.options.parameter_types import (
    LevelParam,
    NumberParam,
    ReportFileParam,
    SecondsParam,
)
from downloader.cli.options.request import SHARED_OPTIONS as REQUEST
from downloader.cli.options.robustness import SHARED_OPTIONS as ROBUSTNESS
from downloader.cli.options.safety import OPTIONS as SAFETY
from downloader.cli.options.speed import SHARED_OPTIONS as SPEED
from downloader.models import DEFAULT_CERT_DAYS, DEFAULT_LEVEL
from downloader.report.formats import FORMATS, endings

_Function = TypeVar("_Function", bound=Callable[..., object])
_LINKS = "Links"
_LINK_FORMATS = [each for each in FORMATS.values() if each.has_links]

_OPTIONS = (
    option(_LINKS, "-r", "--recursive", is_flag=True, help="Also read linked pages of the site."),
    option(
        _LINKS,
        "-l",
        "--level",
        metavar="N|inf",
        type=LevelParam(),
        help=f"Read pages up to this depth [{DEFAULT_LEVEL}]; implies -r.",
    ),
    *SCOPE_OPTIONS,
    *CRAWL_OPTIONS,
    option(
        _LINKS,
        "--accept-status",
        type=StatusSetParam(),
        default="200..299",
        help="Statuses of links that work, e.g. 200..299,403 [200..299].",
    ),
    option(
        _LINKS,
        "--exclude",
        type=PatternParam(),
        multiple=True,
        help="Do not check URLs in which this regular expression is found; repeatable.",
    ),
    option(
        _LINKS,
        "--host-rule",
        type=HostRuleParam(),
        multiple=True,
        help="Rule for a host, e.g. 'example.org: delay=2s; get'; repeatable.",
    ),
    option(_LINKS, "--offline", is_flag=True, help="Check internal links and files only."),
    option(
        _LINKS,
        "--include-fragments",
        is_flag=True,
        help="Look up #fragments in external pages, too.",
    ),
    option(
        _LINKS,
        "--cert-days",
        type=NumberParam(0),
        default=DEFAULT_CERT_DAYS,
        help=f"Warn of certificates that expire within N days [{DEFAULT_CERT_DAYS}; 0 never].",
    ),
    option(
        _LINKS,
        "--max-age",
        type=SecondsParam(least=0.0),
        default=0.0,
        help="Reuse results of external links of earlier runs, e.g. 1d [0s: ask each].",
    ),
    *SPEED,
    *ROBUSTNESS,
    *REQUEST,
    *LISTS,
    *SAFETY,
    option(
        "Report",
        "--report",
        type=ReportFileParam(),
        multiple=True,
        help=f"Write a report ({endings(_LINK_FORMATS)}); repeatable.",
    ),
    option("Report", "-q", "--quiet", is_flag=True, help="Print broken links only."),
    option("Report", "-v", "--verbose", is_flag=True, help="Name every page that was read."),
    NO_PROGRESS,
    DEBUG,
    CONFIG,
)


def _with_options(function: _Function) -> _Function:
    for add in reversed(_OPTIONS):
        function = add(function)
    return function


class _LinksCommand(GroupedCommand):
    folded = ("Speed", "Robustness", "Request", "Lists", "Safety")


@click.command("links", cls=_LinksCommand, context_settings=context_settings("DOWNLOAD_LINKS"))
@click.argument("source", nargs=-1, metavar="SOURCE...")
@_with_options
@click.pass_context
def command(ctx: click.Context, /, source: tuple[str, ...], **given: Any) -> None:
    """Check every link of the pages SOURCE..., each once, and save nothing.

    SOURCE is a URL, a list file, - for standard input, a folder, or a document on the disk
    (.html, .svg, .css). Without -r, only these pages are read for links.

    Exit status: 0 if all links work, 1 if one is broken, 2 usage error or unreadable SOURCE,
    3 disk error, 130 interrupted.
    """
    # Imported here, so that --help does not wait for what only a run needs.
    from downloader.cli.link_run import check_links

    if problem := _problem(source, given):
        raise click.UsageError(problem, ctx)
    run_and_exit(lambda: check_links(source, given), debug=given["debug"])


def _problem(source: Sequence[str], given: Given) -> str:
    """Return what is wrong with the options; empty if nothing is."""
    from downloader import sources
    from downloader.cli.options.validation import connection_problem

    if not source and not given["sitemap"]:
        return "name a SOURCE: a URL, a list file, a folder or -"
    if any(map(sources.is_archive, source)):
        return "links of web archives cannot be checked; name a URL or a folder"
    return connection_problem(given)
