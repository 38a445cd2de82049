"""The options under "Lists": how lists are read."""

from downloader.cli.options.help_groups import option

OPTIONS = (
    option(
        "Lists",
        "--url-column",
        metavar="NAME",
        help="Column of addresses [url, link, href, or the only one that has any].",
    ),
)
