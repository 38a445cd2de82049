"""The options under "Lists": how lists are read."""

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import UrlParam

OPTIONS = (
    option(
        "Lists",
        "--url-column",
        metavar="NAME",
        help="Column of addresses [url, link, href, or the only one that has any].",
    ),
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
)
