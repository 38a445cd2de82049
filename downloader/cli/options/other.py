"""The options under "Other", which fit no other heading."""

from downloader.cli.options.common import CONFIG
from downloader.cli.options.help_groups import option

OPTIONS = (
    option("Other", "--demo", is_flag=True, help="Download a small built-in site, offline."),
    CONFIG,
)
