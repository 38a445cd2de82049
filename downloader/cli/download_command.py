"""The main form of the command, ``download [OPTIONS] SOURCE...``."""

from typing import Any

import click

from downloader._version import __version__
from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options import with_options
from downloader.cli.options.help_groups import DownloadCommand, context_settings
from downloader.sources.formats import format_names

_HELP = f"""
Download every URL of SOURCE... concurrently, save each one safely, and print its size.

SOURCE is a list file, - for standard input, a URL, or a web archive to unpack (.warc.gz, .warc,
.wacz). The format of a list is {format_names()}: text has one URL per line, tables have a column
named url; all but Parquet may be gzipped. For a file named like a command, write ./check.

Exit status: 0 all done, 1 a URL failed or exceeds a budget, 2 usage error or unreadable list,
3 disk error, 130 interrupted.
"""


@click.command(
    "download",
    cls=DownloadCommand,
    help=_HELP,
    context_settings=context_settings("DOWNLOAD"),
)
@click.argument("source", nargs=-1, metavar="SOURCE...")
@with_options
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def command(ctx: click.Context, /, source: tuple[str, ...], **given: Any) -> None:
    """Run ``download [OPTIONS] SOURCE...``."""
    # Imported here, so that --help and --version do not wait for what only a run needs.
    from downloader.cli.download_setup import download
    from downloader.cli.options.validation import validate

    validate(source, given, ctx)
    run_and_exit(lambda: download(source, given), debug=given["debug"])
