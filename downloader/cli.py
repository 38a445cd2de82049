"""The command: click → Options → run → exit status; the only ``sys.exit``."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Any

import click

from downloader import sources
from downloader._version import __version__
from downloader.demo import demo_site
from downloader.errors import DiskError, DownloadError, ErrorKind
from downloader.flags import GroupedCommand, Header, Seconds, Size, load_config, option
from downloader.models import USER_AGENT, ExitStatus, Failed, Options, Outcome, Tally
from downloader.pool import Pool
from downloader.progress import Screen, State
from downloader.report.lines import (
    detail_line,
    in_flight_lines,
    outcome_line,
    summary_line,
)
from downloader.text import printable

_DEFAULTS = Options()
#: How long running transfers may go on after the first Ctrl-C.
_GRACE_SECONDS = 5.0


@click.command(
    cls=GroupedCommand,
    context_settings={
        "auto_envvar_prefix": "DOWNLOAD",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.argument("source", nargs=-1, metavar="SOURCE...")
@option(
    "Output",
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=_DEFAULTS.output,
    help=f"Save under this folder [{_DEFAULTS.output}].",
)
@option("Output", "--force", is_flag=True, help="Fetch again what is done already.")
@option(
    "Output",
    "--refresh",
    is_flag=True,
    help="Ask the server whether what is done has changed, and fetch only that.",
)
@option("Output", "--verify", is_flag=True, help="Hash what is done again to see if it is whole.")
@option(
    "Output",
    "--no-use-server-timestamps",
    is_flag=True,
    help="Do not give files the time of Last-Modified.",
)
@option(
    "Speed",
    "-j",
    "--concurrency",
    metavar="N",
    type=click.IntRange(min=1),
    default=_DEFAULTS.concurrency,
    help=f"Fetch this many URLs at once [{_DEFAULTS.concurrency}].",
)
@option(
    "Robustness",
    "--connect-timeout",
    type=Seconds(),
    default=_DEFAULTS.connect_timeout,
    help=f"For name resolution, connection and TLS [{_DEFAULTS.connect_timeout:g}s].",
)
@option(
    "Robustness",
    "--read-timeout",
    type=Seconds(),
    default=_DEFAULTS.read_timeout,
    help=f"Give up a transfer that stalls this long [{_DEFAULTS.read_timeout:g}s].",
)
@option(
    "Robustness",
    "--retries",
    metavar="N",
    type=click.IntRange(min=0),
    default=_DEFAULTS.retries,
    help=f"Try again what may pass, this often [{_DEFAULTS.retries}].",
)
@option(
    "Robustness",
    "--min-speed",
    metavar="RATE",
    type=Size(),
    help="Give up a transfer that is slower over five seconds [none].",
)
@option("Robustness", "--max-size", type=Size(), help="Refuse a larger body, decoded [none].")
@option("Robustness", "--timeout", type=Seconds(), help="For a whole URL [none].")
@option(
    "Robustness",
    "--max-redirects",
    metavar="N",
    type=click.IntRange(min=0),
    default=_DEFAULTS.max_redirects,
    help=f"Follow this many redirects of one URL [{_DEFAULTS.max_redirects}].",
)
@option(
    "Request",
    "-H",
    "--header",
    type=Header(),
    multiple=True,
    help="Send this header too; not to other origins. Repeatable.",
)
@option(
    "Request",
    "-U",
    "--user-agent",
    metavar="TEXT",
    default=_DEFAULTS.user_agent,
    help=f"Send this User-Agent [{USER_AGENT.partition(' ')[0]} …].",
)
@option(
    "Request",
    "--cookies",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send the cookies of this file (Netscape's format).",
)
@option("Request", "--netrc", is_flag=True, help="Take passwords from ~/.netrc or $NETRC.")
@option(
    "Request",
    "--cacert",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Trust the certificate authorities in this PEM file.",
)
@option("Request", "--insecure", is_flag=True, help="Accept any TLS certificate.")
@option(
    "Safety",
    "--block-private",
    is_flag=True,
    help="Refuse loopback, private and link-local addresses, at every hop.",
)
@option("Report", "-q", "--quiet", is_flag=True, help="Print nothing but failures.")
@option("Report", "-v", "--verbose", is_flag=True, help="Print details of each URL.")
@option("Report", "--no-progress", is_flag=True, help="Show no progress bar.")
@option("Report", "--debug", is_flag=True, help="asyncio's debug mode, debug log, tracebacks.")
@option(
    "Try it",
    "--demo",
    is_flag=True,
    help="Download a small built-in site from this machine; needs no network.",
)
@option(
    "Other",
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    is_eager=True,
    callback=load_config,
    help="Take defaults from this TOML file [the platform's usual place].",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def main(
    ctx: click.Context,
    /,
    source: tuple[str, ...],
    header: tuple[tuple[str, str], ...],
    no_use_server_timestamps: bool,
    quiet: bool,
    verbose: bool,
    no_progress: bool,
    debug: bool,
    demo: bool,
    config: Path | None,
    **settings: Any,
) -> None:
    """Fetch every URL of SOURCE... at once, save each safely, and say how big each one is.

    A SOURCE is a list file, - for standard input, or a URL. Lists: text with one URL a line,
    CSV, TSV or JSONL with a column url, a sitemap; all also gzipped.

    Exit status: 0 all done, 1 some URL failed, 2 usage or unreadable list, 3 the disk failed,
    130 interrupted.
    """
    if bool(source) == demo:
        raise click.UsageError(
            "--demo takes no SOURCE" if demo else "name a SOURCE: a list file, - or a URL", ctx
        )
    # The other parameters are named and typed as the fields of Options are.
    options = Options(headers=header, server_timestamps=not no_use_server_timestamps, **settings)
    view = _View(
        options.output, quiet=quiet, verbose=verbose, progress=not no_progress, debug=debug
    )
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s: %(message)s")
    sys.exit(_guarded(lambda: _start(source, options, view, demo=demo), debug=debug))


def _guarded(run: Callable[[], ExitStatus], *, debug: bool) -> ExitStatus:
    """Turn whatever ends a run into one line and an exit status; tracebacks only for --debug."""
    try:
        return run()
    except DownloadError as error:
        if debug:
            logging.exception("the run ended")
        hint = f"; {error.hint}" if error.hint else ""
        click.echo(printable(f"download: {error.message}{hint}"), err=True)
        return ExitStatus.DISK_FAILED if isinstance(error, DiskError) else ExitStatus.USAGE
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Nobody reads our output any more, as after "| head"; Python's own flush at exit must
        # not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.INTERRUPTED
    except Exception as error:
        if debug:
            raise
        said = printable(f"{type(error).__name__}: {error}")
        click.echo(f"download: a defect of this program: {said}; see --debug", err=True)
        return ExitStatus.SOME_FAILED


def _start(source: tuple[str, ...], options: Options, view: "_View", *, demo: bool) -> ExitStatus:
    with ExitStack() as stack:
        if demo:
            source = stack.enter_context(demo_site())
        for one in source:
            sources.check(one)
        return asyncio.run(_run(source, options, view), debug=view.debug)


async def _run(source: tuple[str, ...], options: Options, view: "_View") -> ExitStatus:
    started = time.monotonic()
    tally = Tally()
    pool = Pool(lambda fetch_list: sources.read(source, fetch_list), options)
    screen = Screen(
        lambda: State(tally.total, pool.total, tally.failed, pool.received),
        lambda: pool.stop(now=True),
        progress=view.progress and not view.quiet,
    )
    fault: DownloadError | None = None
    async with screen:
        with _signals(pool, screen) as signals:
            try:
                async with aclosing(pool.outcomes()) as outcomes:
                    async for outcome in outcomes:
                        while pool.warnings:
                            screen.note(printable(f"download: {pool.warnings.pop(0)}"))
                        tally.add(outcome)
                        view.show(outcome, screen)
            except DownloadError as error:
                if not tally.total:
                    raise
                fault = error
        if not view.quiet:
            screen.result(summary_line(tally, time.monotonic() - started))
    if fault is not None:
        raise fault
    if signals:
        return ExitStatus.INTERRUPTED
    if ErrorKind.DISK in tally.kinds:
        return ExitStatus.DISK_FAILED
    return ExitStatus.SOME_FAILED if tally.failed else ExitStatus.DONE


class _View:
    """Which outcomes are shown, and how much of each."""

    def __init__(
        self, folder: Path, *, quiet: bool, verbose: bool, progress: bool, debug: bool
    ) -> None:
        self.quiet = quiet
        self.progress = progress
        self.debug = debug
        self._folder = folder
        self._verbose = verbose

    def show(self, outcome: Outcome, screen: Screen) -> None:
        if isinstance(outcome, Failed):
            screen.failure(outcome_line(outcome, self._folder))
            if outcome.traceback and self.debug:
                screen.note(outcome.traceback)
        elif not self.quiet:
            screen.result(outcome_line(outcome, self._folder))
            if self._verbose and (detail := detail_line(outcome)):
                screen.result(detail)


@contextlib.contextmanager
def _signals(pool: Pool, screen: Screen) -> Iterator[list[signal.Signals]]:
    """Give the list of signals received: the first stops gently, the second at once.

    SIGUSR1, where it exists, prints what is in flight.
    """
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def interrupt(number: signal.Signals) -> None:
        received.append(number)
        if len(received) == 1:
            running = len(pool.in_flight())
            screen.note(
                f"Stopping: {running} running transfers have {_GRACE_SECONDS:g} s to finish; "
                "again to stop now"
            )
            loop.call_later(_GRACE_SECONDS, lambda: pool.stop(now=True))
        pool.stop(now=len(received) > 1)

    def report() -> None:
        for line in in_flight_lines(pool.in_flight()):
            screen.note(line)

    installed: list[int] = []
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)
            installed.append(number)
        if hasattr(signal, "SIGUSR1"):
            loop.add_signal_handler(signal.SIGUSR1, report)
            installed.append(signal.SIGUSR1)
    try:
        yield received
    finally:
        for installed_number in installed:
            loop.remove_signal_handler(installed_number)
