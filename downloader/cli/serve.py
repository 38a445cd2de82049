"""The subcommand ``serve``: look at what was saved, in a browser."""

import asyncio
import signal
import webbrowser
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options.common import CONFIG, DEBUG, OUTPUT_FOLDER
from downloader.cli.options.help_groups import context_settings, option
from downloader.cli.options.parameter_types import NumberParam, PathParam
from downloader.cli.outcome_lines import count
from downloader.errors import SourceError
from downloader.models import ExitStatus
from downloader.web.ip_addresses import is_ip_address
from downloader.web.text import printable

if TYPE_CHECKING:
    from downloader.serve import SavedContent, ServeOptions

_DEFAULT_PORT = 8000
_MAX_PORT = 65535
_LOOPBACK_NAME = "localhost"


def _check_address(_: click.Context, __: click.Parameter, address: str | None) -> str | None:
    if address is None or address == _LOOPBACK_NAME:
        return None
    if not is_ip_address(address):
        raise click.BadParameter(f"{printable(address)!r} is not an IP address")
    return address


@click.command("serve", context_settings=context_settings("DOWNLOAD_SERVE"))
@click.argument("source", metavar="DIR|ARCHIVE|REPORT", type=PathParam(exists=True))
@option(
    "Output",
    "-o",
    "--output",
    metavar="DIR",
    type=PathParam(file_okay=False),
    default=OUTPUT_FOLDER,
    help=f"For a REPORT: the folder of the saved files [{OUTPUT_FOLDER}].",
)
@option(
    "Server",
    "-p",
    "--port",
    type=NumberParam(0, _MAX_PORT),
    default=_DEFAULT_PORT,
    help=f"Listen on this port; 0 for any that is free [{_DEFAULT_PORT}].",
)
@option(
    "Server",
    "--bind",
    metavar="ADDRESS",
    callback=_check_address,
    help="Listen on this IP address, for other machines, too [loopback only].",
)
@option(
    "Server",
    "--domain",
    metavar="NAME",
    default=_LOOPBACK_NAME,
    help=f"Serve each site at a subdomain of NAME [{_LOOPBACK_NAME}].",
)
@option("Server", "--open", "open_browser", is_flag=True, help="Open the browser.")
@option("Report", "-q", "--quiet", is_flag=True, help="Print the address only.")
@DEBUG
@CONFIG
def command(
    source: Path,
    *,
    output: Path,
    port: int,
    bind: str | None,
    domain: str,
    open_browser: bool,
    quiet: bool,
    debug: bool,
    config: Path | None,
) -> None:
    """Look at what was saved in a browser: an output folder, a web archive, or a report.

    DIR is an output folder, or any folder of pages. ARCHIVE is a .warc.gz, .warc or .wacz file.
    REPORT is a file that --report wrote (.jsonl, .json, .parquet). Ctrl-C ends the server.

    Exit status: 0 after Ctrl-C, 2 if SOURCE cannot be read or the port is in use.
    """
    del config  # its values are defaults of the others

    def run() -> ExitStatus:
        from downloader.serve import ServeOptions

        options = ServeOptions(address=bind, port=port, domain=domain.lower().strip("."))
        with closing(_open_source(source, output)) as content:
            asyncio.run(_serve(content, options, open_browser=open_browser, quiet=quiet))
        return ExitStatus.DONE

    run_and_exit(run, debug=debug)


def _open_source(source: Path, output: Path) -> "SavedContent":
    """Return what *source* holds.

    Raises:
        DownloadError: it cannot be read.
    """
    from downloader import sources
    from downloader.report.formats import format_of
    from downloader.serve import SavedArchive, SavedFolder, SavedReport

    if source.is_dir():
        return SavedFolder(source)
    if sources.is_archive(str(source)):
        return SavedArchive((source,))
    report_format = format_of(source)
    if report_format is not None and report_format.is_readable:
        return SavedReport(source, output)
    hint = "give an output folder, a web archive, or a report"
    if report_format is not None:
        hint = f"{report_format.ending} reports need no server, or cannot be read: {hint}"
    raise SourceError(f"cannot serve {source}", hint=hint)


async def _serve(
    content: "SavedContent", options: "ServeOptions", *, open_browser: bool, quiet: bool
) -> None:
    """Serve until a signal says stop."""
    from downloader.serve import SiteServer

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with SiteServer(content, options) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        if not quiet:
            for warning in content.warnings:
                click.echo(printable(f"download: {warning}"), err=True)
            _, pages, files, _ = content.catalogue.totals()
            click.echo(
                f"Serving {printable(content.name)}: {count(pages, 'page')}, "
                f"{count(files, 'file')} (Ctrl-C to stop)"
            )
        click.echo(server.url)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, server.url)
        await stopped.wait()
