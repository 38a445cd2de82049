"""The options under "Report": reports, their checks, and output on the terminal."""

from downloader.cli.options.common import (
    BUDGET,
    COMPARE,
    DEBUG,
    FAIL_ON,
    LOCK,
    NO_PROGRESS,
    REPORT,
    SIZES,
)
from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import CommandParam, PathParam, SecondsParam

OPTIONS = (
    REPORT,
    SIZES,
    COMPARE,
    FAIL_ON,
    BUDGET,
    LOCK,
    option(
        "Report",
        "--locked",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Download a lock file's URLs; exit 1 on changes.",
    ),
    option(
        "Report",
        "--near-duplicates",
        is_flag=True,
        help="With --extract, report pages with nearly the same text.",
    ),
    option(
        "Report",
        "--checksums",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Verify files by this list of checksums, e.g. SHA256SUMS.",
    ),
    option(
        "Report",
        "--exec",
        type=CommandParam(),
        help="Run this command after each saved file, e.g. 'gzip -k {path}'.",
    ),
    option(
        "Report",
        "--exec-timeout",
        type=SecondsParam(),
        help="End commands of --exec after this time [no limit].",
    ),
    option("Report", "-q", "--quiet", is_flag=True, help="Print failures only."),
    option("Report", "-v", "--verbose", is_flag=True, help="Print details of each URL."),
    NO_PROGRESS,
    DEBUG,
)
