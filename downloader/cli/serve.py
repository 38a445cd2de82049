"""The subcommand ``serve``: look at what was saved, in a browser."""

from pathlib import Path

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options.common import CONFIG, DEBUG, OUTPUT_FOLDER
from downloader.cli.options.help_groups import context_settings, option
from downloader.cli.options.parameter_types import NumberParam, PathParam
from downloader.models import ExitStatus
from downloader.web.ip_addresses import is_ip_address
from downloader.web.text import printable

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
@click.argument(
    "source",
    metavar="DIR|ARCHIVE...|REPORT",
    nargs=-1,
    required=True,
    type=PathParam(exists=True),
)
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
    source: tuple[Path, ...],
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

    DIR is an output folder, or any folder of pages. ARCHIVE... are .warc.gz, .warc or .wacz files.
    REPORT is a file that --report wrote (.jsonl, .json, .parquet). Ctrl-C ends the server.

    Exit status: 0 after Ctrl-C, 2 if SOURCE cannot be read or the port is in use.
    """
    del config  # its values are defaults of the others

    def run() -> ExitStatus:
        # Imported here, so that --help does not wait for it.
        from downloader.cli.serve_run import run_serve
        from downloader.serve import ServeOptions

        options = ServeOptions(address=bind, port=port, domain=domain.lower().strip("."))
        return run_serve(source, output, options, open_browser=open_browser, quiet=quiet)

    run_and_exit(run, debug=debug)
