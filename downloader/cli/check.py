"""The subcommand ``check``: name each reference of a mirror that leads nowhere, and sum up."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from downloader.cli.error_reporting import run_and_exit
from downloader.cli.options.common import CONFIG, DEBUG
from downloader.cli.options.help_groups import context_settings, option
from downloader.cli.options.parameter_types import PathParam
from downloader.cli.outcome_lines import count
from downloader.errors import SourceError
from downloader.models import ExitStatus
from downloader.web.text import printable

if TYPE_CHECKING:
    from downloader.mirror.check import CheckTotals, DanglingLink, UnreadableFile


@click.command("check", context_settings=context_settings("DOWNLOAD_CHECK"))
@click.argument("folder", metavar="DIR", type=PathParam(exists=True, file_okay=False))
@option("Report", "-q", "--quiet", is_flag=True, help="Print no summary.")
@option(
    "Report",
    "-v",
    "--verbose",
    is_flag=True,
    help="Also name missing #fragments, and count references by host.",
)
@DEBUG
@CONFIG
def command(folder: Path, *, quiet: bool, verbose: bool, debug: bool, config: Path | None) -> None:
    """Check that every local link of the mirrored pages in DIR leads to a file.

    Exit status: 0 if nothing is missing, 1 if a link leads nowhere, 2 if DIR holds no pages.
    """
    del config  # its values are defaults of the others
    run_and_exit(lambda: run_check(folder, quiet=quiet, verbose=verbose), debug=debug)


def run_check(folder: Path, *, quiet: bool = False, verbose: bool = False) -> ExitStatus:
    """Print what is missing to stderr, and the summary to stdout.

    With *verbose* also print missing fragments, and the hosts of external references.

    Raises:
        SourceError: *folder* holds no pages.
    """
    # Imported here, so that --help does not wait for it.
    from downloader.mirror.check import MirrorCheck

    check = MirrorCheck(folder, fragments=verbose)
    for finding in check.findings():
        click.echo(printable(_line(finding)), err=True)
    totals = check.totals
    if not totals.documents and not totals.unreadable:
        raise SourceError(f"no pages in {folder}", hint="name the folder of a mirror")
    if verbose:
        for host, number in sorted(totals.external.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"External {host or 'other hosts'}: {count(number, 'reference')}")
    if not quiet:
        click.echo(_summary(totals))
    return ExitStatus.DONE if totals.is_complete else ExitStatus.SOME_FAILED


def _line(finding: "DanglingLink | UnreadableFile") -> str:
    from downloader.mirror.check import UnreadableFile

    if isinstance(finding, UnreadableFile):
        return f"{finding.path}: not read: {finding.reason}"
    note = "note: " if finding.is_fragment else ""
    return f"{finding.document}:{finding.line}: {note}{finding.reference} -> {finding.missing}"


def _summary(totals: "CheckTotals") -> str:
    external = sum(totals.external.values())
    hosts = count(len(totals.external), "host")
    parts = [
        f"{count(totals.documents, 'document')}: {count(totals.local, 'local reference')}",
        f"{totals.dangling} dangling",
        f"{external} external to {hosts}"
        + (f" ({totals.missing_requisites} needed)" * bool(totals.missing_requisites)),
    ]
    if totals.unreadable:
        parts.append(f"{totals.unreadable} not read")
    return ", ".join(parts[:2]) + "; " + ", ".join(parts[2:])
