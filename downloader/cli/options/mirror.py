"""The options under "Mirror": which links are followed, and how pages are saved."""

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    DomainsParam,
    LevelParam,
    MaxQueriesParam,
    NumberParam,
)
from downloader.models import DEFAULT_LEVEL, DEFAULT_MAX_QUERIES

_SAVING = (
    option(
        "Mirror",
        "-m",
        "--mirror",
        is_flag=True,
        help="Save what pages need and rewrite their links for reading offline.",
    ),
    option(
        "Mirror",
        "-r",
        "--recursive",
        is_flag=True,
        help="Follow links on the same host; implies -m.",
    ),
    option(
        "Mirror",
        "-l",
        "--level",
        metavar="N|inf",
        type=LevelParam(),
        help=f"Maximum link depth [{DEFAULT_LEVEL}]; implies -r.",
    ),
)
#: The hosts and folders in which links are followed.
SCOPE_OPTIONS = (
    option("Mirror", "--span-hosts", is_flag=True, help="Follow links to other hosts, too."),
    option(
        "Mirror",
        "--domains",
        metavar="LIST",
        type=DomainsParam(),
        default=(),
        help="Follow links to these hosts and their subdomains, too.",
    ),
    option(
        "Mirror",
        "--same-site",
        is_flag=True,
        help="Treat example.org and www.example.org as one host.",
    ),
    option(
        "Mirror",
        "--no-parent",
        is_flag=True,
        help="Follow no links above the starting folder.",
    ),
)
_PATTERNS = (
    option(
        "Mirror",
        "--accept",
        metavar="LIST",
        multiple=True,
        help="Accept only these extensions or patterns, e.g. pdf,*/api/*; repeatable.",
    ),
    option(
        "Mirror",
        "--reject",
        metavar="LIST",
        multiple=True,
        help="Skip these extensions or patterns; repeatable.",
    ),
)
#: How far links are followed there.
CRAWL_OPTIONS = (
    option("Mirror", "--no-robots", is_flag=True, help="Ignore robots.txt and nofollow."),
    option(
        "Mirror",
        "--max-urls",
        type=NumberParam(0),
        help="Maximum linked URLs to fetch [no limit].",
    ),
    option(
        "Mirror",
        "--max-queries",
        metavar="N|none",
        type=MaxQueriesParam(),
        default=DEFAULT_MAX_QUERIES,
        help=f"Maximum queries of one path to follow [{DEFAULT_MAX_QUERIES}].",
    ),
)
_PAGES = (
    option(
        "Mirror",
        "--single-file",
        is_flag=True,
        help="Save each page as one HTML file; implies -m.",
    ),
    option(
        "Mirror",
        "--index",
        is_flag=True,
        help="Write a start page that lists the saved pages.",
    ),
    option(
        "Mirror",
        "--missing-page",
        is_flag=True,
        help="Make links to missing pages (404, 410) lead to a local page.",
    ),
)

OPTIONS = (*_SAVING, *SCOPE_OPTIONS, *_PATTERNS, *CRAWL_OPTIONS, *_PAGES)
