"""The options under "Lists": how lists are read."""

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    ColumnNamesParam,
    NumberParam,
    UrlParam,
)
from downloader.models import MAX_SAMPLE_LINES

_URL_COLUMN = option(
    "Lists",
    "--url-column",
    metavar="NAME",
    help="Column of addresses [url, link, href, or the only one that has any].",
)
_KEEP_COLUMNS = option(
    "Lists",
    "--keep-columns",
    type=ColumnNamesParam(),
    help="Report only these columns of the lists, e.g. id,title [all].",
)
_SELECTION = (
    option(
        "Lists",
        "--sitemap",
        type=UrlParam("SITE|URL"),
        multiple=True,
        help="Read a site's sitemaps, or a sitemap or feed on the network; repeatable.",
    ),
    option(
        "Lists",
        "-B",
        "--base",
        type=UrlParam(),
        help="Resolve relative links of lists in HTML and XML against this URL.",
    ),
    option("Lists", "--limit", type=NumberParam(1), help="Read only the first N lines [all]."),
    option(
        "Lists",
        "--sample",
        type=NumberParam(1, MAX_SAMPLE_LINES),
        help="Fetch only N lines, chosen at random but the same in every run [all].",
    ),
    option(
        "Lists",
        "--seed",
        type=NumberParam(0),
        default=0,
        help="Choose another --sample with another number [0].",
    ),
)

OPTIONS = (_URL_COLUMN, _KEEP_COLUMNS, *_SELECTION)
#: Those that a check of links has, too.
SHARED_OPTIONS = (_URL_COLUMN, *_SELECTION)
