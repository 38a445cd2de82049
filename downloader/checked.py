"""What ``--check`` says: one line for each reference that leads nowhere, and a summary."""

from pathlib import Path

import click

from downloader.check import Check, Finding, Totals
from downloader.models import ExitStatus
from downloader.report.lines import count
from downloader.text import printable


def run_check(folder: Path, *, quiet: bool = False, verbose: bool = False) -> ExitStatus:
    """Look through *folder*, and say what is missing.

    Dangling references go to stderr, the summary to stdout. With *verbose* also places within
    pages that are missing, and the hosts of external references.
    """
    check = Check(folder, fragments=verbose)
    for finding in check.findings():
        click.echo(_line(finding), err=True)
    totals = check.totals
    for name, reason in totals.unread:
        click.echo(printable(f"{name}: not read: {reason}"), err=True)
    if verbose:
        for host, number in sorted(totals.external.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"External {host or 'other hosts'}: {count(number, 'reference')}")
    if not quiet:
        click.echo(_summary(totals))
    return ExitStatus.SOME_FAILED if totals.dangling else ExitStatus.DONE


def _line(finding: Finding) -> str:
    note = "note: " if finding.note else ""
    where = f"{finding.page}:{finding.line}"
    return printable(f"{where}: {note}{finding.reference} -> {finding.missing}")


def _summary(totals: Totals) -> str:
    external = sum(totals.external.values())
    hosts = count(len(totals.external), "host")
    return (
        f"{count(totals.documents, 'document')}: {count(totals.local, 'local reference')}, "
        f"{totals.dangling} dangling; {external} external to {hosts}"
    )
