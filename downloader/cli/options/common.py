"""Options that several commands share."""

from downloader.cli.options.config import load_config
from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    BudgetParam,
    FailOnParam,
    PathParam,
    ReportFileParam,
)
from downloader.models import Options
from downloader.report.formats import endings

OUTPUT_FOLDER = Options().output

REPORT = option(
    "Report",
    "--report",
    type=ReportFileParam(),
    multiple=True,
    help=f"Write a report ({endings()}; - for JSONL on stdout); repeatable.",
)
SIZES = option(
    "Report", "--sizes", is_flag=True, help="Print the largest URLs, sums by type and host."
)
COMPARE = option(
    "Report",
    "--compare",
    metavar="OLD.jsonl",
    type=PathParam(exists=True, dir_okay=False),
    help="Show changes since an earlier report.",
)
FAIL_ON = option(
    "Report",
    "--fail-on",
    type=FailOnParam(),
    help="Exit 1 on these changes, e.g. gone,broken,grown=10%.",
)
BUDGET = option(
    "Report",
    "--budget",
    type=BudgetParam(),
    help="Exit 1 when a budget is exceeded, e.g. html=100k,requests=200.",
)
LOCK = option(
    "Report",
    "--lock",
    metavar="FILE",
    type=PathParam(dir_okay=False),
    help="Write a lock file with the hash of each URL.",
)
NO_PROGRESS = option("Report", "--no-progress", is_flag=True, help="Hide the progress bar.")
DEBUG = option("Report", "--debug", is_flag=True, help="Print a debug log and tracebacks.")
CONFIG = option(
    "Other",
    "--config",
    metavar="FILE",
    type=PathParam(),
    envvar="DOWNLOAD_CONFIG",
    is_eager=True,
    callback=load_config,
    help="Read defaults from this TOML file [config.toml in the user's config folder].",
)
