"""The options under "Safety": which addresses are refused."""

from downloader.cli.options.help_groups import option

OPTIONS = (
    option(
        "Safety",
        "--block-private",
        is_flag=True,
        help="Refuse to connect to private, loopback and link-local addresses.",
    ),
)
