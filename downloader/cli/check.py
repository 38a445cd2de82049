"""What ``--check`` says: one line for each reference that leads nowhere, and a summary."""

from pathlib import Path

import click

from downloader.cli.outcome_lines import count
from downloader.errors import SourceError
from downloader.mirror.check import CheckTotals, DanglingLink, MirrorCheck, UnreadableFile
from downloader.models import ExitStatus
from downloader.web.text import printable


def run_check(folder: Path, *, quiet: bool = False, verbose: bool = False) -> ExitStatus:
    """Look through *folder*, and say what is missing.

    What is missing goes to stderr, the summary to stdout. With *verbose* also places within pages
    that are missing, and the hosts of external references.

    Raises:
        SourceError: there is nothing to look through.
    """
    check = MirrorCheck(folder, fragments=verbose)
    for finding in check.findings():
        click.echo(printable(_line(finding)), err=True)
    totals = check.totals
    if not totals.documents and not totals.unreadable:
        raise SourceError(f"no pages in {folder}", hint="--check takes the folder of a mirror")
    if verbose:
        for host, number in sorted(totals.external.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"External {host or 'other hosts'}: {count(number, 'reference')}")
    if not quiet:
        click.echo(_summary(totals))
    return ExitStatus.DONE if totals.is_complete else ExitStatus.SOME_FAILED


def _line(finding: DanglingLink | UnreadableFile) -> str:
    if isinstance(finding, UnreadableFile):
        return f"{finding.path}: not read: {finding.reason}"
    note = "note: " if finding.is_fragment else ""
    return f"{finding.document}:{finding.line}: {note}{finding.reference} -> {finding.missing}"


def _summary(totals: CheckTotals) -> str:
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
