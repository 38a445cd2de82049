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
from downloader.cli.options.parameter_types import PathParam

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
    option("Report", "-q", "--quiet", is_flag=True, help="Print failures only."),
    option("Report", "-v", "--verbose", is_flag=True, help="Print details of each URL."),
    NO_PROGRESS,
    DEBUG,
)
