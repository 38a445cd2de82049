"""Run ``download serve``: open what was saved, and serve it until a signal says stop."""

import asyncio
import signal
import webbrowser
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import click

from downloader import sources
from downloader.archive import pack_volumes
from downloader.cli.outcome_lines import count
from downloader.errors import SourceError
from downloader.models import ExitStatus
from downloader.report.formats import format_of
from downloader.serve import (
    SavedArchive,
    SavedContent,
    SavedFolder,
    SavedReport,
    ServeOptions,
    SiteServer,
)
from downloader.web.text import printable


def run_serve(
    source: Sequence[Path],
    output: Path,
    options: ServeOptions,
    *,
    open_browser: bool,
    quiet: bool,
) -> ExitStatus:
    """Serve *source* until a signal says stop; *output* is the folder of a report's files.

    Raises:
        DownloadError: it cannot be read, or not be served.
    """
    with closing(_open_source(source, output)) as content:
        asyncio.run(_serve(content, options, open_browser=open_browser, quiet=quiet))
    return ExitStatus.DONE


def _open_source(source: Sequence[Path], output: Path) -> SavedContent:
    """Return what *source* holds.

    Raises:
        DownloadError: it cannot be read.
    """
    archives = [each for each in source if each.is_file() and sources.is_archive(str(each))]
    if len(archives) == len(source):
        return SavedArchive(tuple(source))
    first = source[0]
    if len(source) > 1:
        raise SourceError("of several SOURCEs, all must be web archives")
    if first.is_dir():
        volumes = pack_volumes(first)
        return SavedArchive(tuple(volumes)) if volumes else SavedFolder(first)
    report_format = format_of(first)
    if report_format is not None and report_format.is_readable:
        return SavedReport(first, output)
    hint = "give an output folder, a web archive, or a report"
    if report_format is not None:
        hint = f"{report_format.ending} reports need no server, or cannot be read: {hint}"
    raise SourceError(f"cannot serve {first}", hint=hint)


async def _serve(
    content: SavedContent, options: ServeOptions, *, open_browser: bool, quiet: bool
) -> None:
    """Serve until a signal says stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with SiteServer(content, options) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            # Without this, as on Windows, Ctrl-C ends the command by an exception.
            with suppress(NotImplementedError):
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
