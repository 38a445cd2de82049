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
    from downloader.mirror.check import CheckTotals, MissingTarget, UnreadableFile


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
    if totals.unlisted:
        click.echo(f"{count(totals.unlisted, 'link')} to more targets not listed", err=True)
    if verbose:
        for host, number in sorted(totals.external.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"External {host or 'other hosts'}: {count(number, 'reference')}")
    if not quiet:
        click.echo(_summary(totals))
    return ExitStatus.DONE if totals.is_complete else ExitStatus.SOME_FAILED


def _line(finding: "MissingTarget | UnreadableFile") -> str:
    from downloader.mirror.check import MissingReason, UnreadableFile

    if isinstance(finding, UnreadableFile):
        how = "read in part" if finding.is_partly_read else "not read"
        return f"{finding.path}: {how}: {finding.reason}"
    note = "note: " if finding.reason is MissingReason.NO_FRAGMENT else ""
    status = f" ({finding.status})" if finding.status else ""
    more = ", ..." if finding.documents > len(finding.places) else ""
    return (
        f"{note}{finding.target}: {finding.reason}{status}, "
        f"in {count(finding.documents, 'document')}: {', '.join(finding.places)}{more}"
    )


def _summary(totals: "CheckTotals") -> str:
    external = sum(totals.external.values())
    hosts = count(len(totals.external), "host")
    parts = [
        f"{count(totals.documents, 'document')}: {count(totals.local, 'local reference')}",
        f"{totals.dangling} dangling",
        f"{external} external to {hosts}"
        + (f" ({totals.external_requisites} needed)" * bool(totals.external_requisites)),
    ]
    if totals.not_saved:
        parts.append(f"{totals.not_saved} not saved")
    if totals.unreadable:
        parts.append(f"{totals.unreadable} not read")
    return ", ".join(parts[:2]) + "; " + ", ".join(parts[2:])
