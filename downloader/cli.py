"""The command: click → Options → run → exit status; the only ``sys.exit``."""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from downloader import cluster, sources
from downloader._version import __version__
from downloader.demo import demo_site
from downloader.errors import DiskError, DownloadError
from downloader.flags import (
    ArchiveFile,
    BudgetText,
    CountOrAuto,
    GroupedCommand,
    Header,
    HeaderText,
    Level,
    Output,
    Processes,
    ReportFile,
    Seconds,
    Size,
    load_config,
    option,
)
from downloader.loop import log_everything, runner
from downloader.models import LEVEL, USER_AGENT, ExitStatus, Options, WarcDigest
from downloader.objects import Destination
from downloader.progress import prepare_streams
from downloader.report.budget import Budget
from downloader.report.desk import Desk, Wishes
from downloader.run import View, run
from downloader.text import printable
from downloader.urls import conceal

_DEFAULTS = Options()
#: Options for links that are followed, and for what pages refer to.
_OF_LINKS = ("span_hosts", "no_parent", "no_robots")
_OF_PARTS = ("accept", "reject", "max_urls")
#: Options for what is in the output folder.
_OF_MIRRORS = ("mirror", "single_file", "recursive", "level")
_OF_FILES = ("refresh", "verify", *_OF_MIRRORS)


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
    metavar="DIR|URL",
    type=Output(),
    default=_DEFAULTS.output,
    help=f"Save under this folder, or in this object store (s3://…) [{_DEFAULTS.output}].",
)
@option("Output", "--no-save", is_flag=True, help="Measure only: fetch, and save nothing.")
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
    metavar="N|auto",
    type=CountOrAuto(),
    default="auto",
    help="Fetch this many URLs at once [auto: find out what is best].",
)
@option(
    "Speed",
    "--per-host",
    metavar="N",
    type=click.IntRange(min=1),
    default=_DEFAULTS.per_host,
    help=f"Fetch no more of one host at once [{_DEFAULTS.per_host}].",
)
@option(
    "Speed",
    "--delay",
    type=Seconds(least=0.0),
    default=_DEFAULTS.delay,
    help="Wait between two requests to one host [none].",
)
@option(
    "Speed",
    "--limit-rate",
    metavar="RATE",
    type=Size(),
    help="Receive no more bytes a second in all [none].",
)
@option(
    "Speed",
    "--processes",
    metavar="N|auto",
    type=Processes(),
    default=_DEFAULTS.processes,
    help="Share the hosts out among so many processes [1; auto: one for each core].",
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
    type=HeaderText(),
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
@option(
    "Mirror",
    "-m",
    "--mirror",
    is_flag=True,
    help="Save what each page needs, too, and have links lead to what was saved.",
)
@option("Mirror", "-r", "--recursive", is_flag=True, help="Follow the links of pages; implies -m.")
@option(
    "Mirror",
    "-l",
    "--level",
    metavar="N|inf",
    type=Level(),
    help=f"Follow links this many steps [{LEVEL}]; implies -r.",
)
@option("Mirror", "--span-hosts", is_flag=True, help="Follow links to other hosts, too.")
@option(
    "Mirror",
    "--no-parent",
    is_flag=True,
    help="Follow no links out of the folder of the page that they start from.",
)
@option(
    "Mirror",
    "--accept",
    metavar="LIST",
    multiple=True,
    help="Keep only files with these endings, or that match these patterns (repeatable).",
)
@option(
    "Mirror",
    "--reject",
    metavar="LIST",
    multiple=True,
    help="Do not fetch files with these endings, or that match these patterns (repeatable).",
)
@option(
    "Mirror",
    "--no-robots",
    is_flag=True,
    help="Do not ask robots.txt, and do not heed nofollow.",
)
@option(
    "Mirror",
    "--max-urls",
    metavar="N",
    type=click.IntRange(min=0),
    help="Fetch no more than N addresses besides those of the list [no limit].",
)
@option(
    "Mirror",
    "--single-file",
    is_flag=True,
    help="Make each page one file with all it needs within; implies -m.",
)
@option(
    "Mirror",
    "--check",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="See that every local link in this mirrored folder leads to a file of it.",
)
@option(
    "Report",
    "--report",
    type=ReportFile(),
    multiple=True,
    help="Write a page (.html) or a record of each URL (.jsonl, .json, .csv). Repeatable.",
)
@option("Report", "--sizes", is_flag=True, help="Print the largest, and sums by type and host.")
@option(
    "Report",
    "--compare",
    metavar="OLD.jsonl",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Say what is new, gone or changed since an earlier report.",
)
@option(
    "Report",
    "--budget",
    type=BudgetText(),
    help="Fail when more is found: html=100k (each), html.total=1M, total=2M.",
)
@option(
    "Report",
    "--lock",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the list with hash, size and final URL of each.",
)
@option(
    "Report",
    "--locked",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Download what --lock has written, and fail when it differs.",
)
@option(
    "Archive",
    "--warc",
    metavar="FILE",
    type=ArchiveFile(".warc.gz", ".warc"),
    help="Keep every exchange as it happened in FILE.warc.gz too.",
)
@option(
    "Archive", "--wacz", metavar="FILE", type=ArchiveFile(".wacz"), help="And packed in FILE.wacz."
)
@option(
    "Archive",
    "--warc-max-size",
    type=Size(),
    help="Begin a further WARC file when one is so large [none].",
)
@option(
    "Archive",
    "--warc-digest",
    type=click.Choice([kind.value for kind in WarcDigest]),
    default=_DEFAULTS.warc_digest.value,
    help=f"Make the digests in it with this [{_DEFAULTS.warc_digest}].",
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
    output: Destination,
    header: tuple[tuple[str, str], ...],
    no_use_server_timestamps: bool,
    no_save: bool,
    report: tuple[Path, ...],
    sizes: bool,
    compare: Path | None,
    budget: Budget | None,
    lock: Path | None,
    locked: Path | None,
    no_robots: bool,
    recursive: bool,
    level: int | None,
    quiet: bool,
    verbose: bool,
    no_progress: bool,
    debug: bool,
    demo: bool,
    check: Path | None,
    config: Path | None,
    warc_digest: str,
    **settings: Any,
) -> None:
    """Fetch every URL of SOURCE... at once, save each safely, and say how big each one is.

    A SOURCE is a list file, - for standard input, a URL, or a web archive (.warc.gz, .wacz) that
    is unpacked without the network. Lists: text with one URL a line, CSV, TSV or JSONL with a
    column url, a sitemap; all also gzipped.

    Exit status: 0 all done, 1 some URL failed or is over a budget, 2 usage or unreadable list,
    3 the disk failed, 130 interrupted.
    """
    if check is not None:
        if source or demo:
            raise click.UsageError("--check takes no SOURCE", ctx)
        prepare_streams()
        sys.exit(_guarded(lambda: _check(check, quiet=quiet, verbose=verbose), debug=debug))
    own = "--demo" if demo else "--locked" if locked else ""
    if bool(source) == bool(own) or (demo and locked):
        missing = "name a SOURCE: a list file, - or a URL"
        raise click.UsageError(f"{own} takes no SOURCE" if own else missing, ctx)
    if locked is not None:
        source = (str(locked),)
    given = {**settings, "recursive": recursive, "level": level}
    _check_mirror(given, ctx)
    if no_save and (wrong := [name for name in _OF_FILES if given[name]]):
        flag = wrong[0].replace("_", "-")
        raise click.UsageError(f"--no-save leaves nothing that --{flag} could be for", ctx)
    if output.remote and (wrong := [name for name in _OF_MIRRORS if given[name]]):
        raise click.UsageError(
            f"--{wrong[0].replace('_', '-')} needs a folder; mirror into one, and copy that", ctx
        )
    # The other parameters are named and typed as the fields of Options are.
    options = Options(
        output=output.folder,
        remote=output.remote,
        headers=header,
        server_timestamps=not no_use_server_timestamps,
        save=not no_save,
        timings=bool(report),
        robots=not no_robots,
        level=LEVEL if recursive and level is None else level,
        warc_digest=WarcDigest(warc_digest),
        **settings,
    )
    options = _replaying(source, options, ctx)
    wishes = Wishes(
        files=report,
        sizes=sizes or (verbose and not quiet),
        compare=compare,
        budget=budget,
        lock=lock,
        locked=locked,
        lists=tuple(map(Path, source)),
    )
    place = conceal(output.remote) if output.remote else output.folder
    view = View(place, quiet=quiet, verbose=verbose, progress=not no_progress, debug=debug)
    prepare_streams()
    if debug:
        log_everything()
    sys.exit(_guarded(lambda: _start(source, options, view, wishes, demo=demo), debug=debug))


def _replaying(source: tuple[str, ...], options: Options, ctx: click.Context) -> Options:
    """Return the options of a run whose SOURCEs are archives; others as they are."""
    archives = [one for one in source if sources.is_archive(one)]
    if not archives:
        return options
    if len(archives) < len(source):
        raise click.UsageError("an archive takes the network's place: name no other SOURCE", ctx)
    if options.archiving:
        raise click.UsageError("an archive is made from the network, not from another", ctx)
    # What an archive does not hold now, it will not hold later.
    return replace(options, replay=tuple(map(Path, archives)), retries=0)


def _check_mirror(given: dict[str, Any], ctx: click.Context) -> None:
    """Refuse options of the command line that would do nothing; a config file may set them.

    Raises:
        UsageError: one is for links, or for what pages refer to, and none of these are fetched.
    """
    links = given["recursive"] or given["level"] is not None
    mirror = links or given["mirror"] or given["single_file"]
    for name in _OF_LINKS if not links else ():
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --recursive", ctx)
    for name in _OF_PARTS if not mirror else ():
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = name.replace("_", "-")
            raise click.UsageError(f"--{flag} needs --mirror or --recursive", ctx)


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
        # Nobody reads our output any more, as after "| head".
        _silence_stdout()
        return ExitStatus.INTERRUPTED
    except OSError as error:
        if debug:
            logging.exception("the run ended")
        _silence_stdout()
        click.echo(f"download: cannot write the output: {error.strerror}", err=True)
        return ExitStatus.DISK_FAILED
    except Exception as error:
        if debug:
            logging.exception("the run ended")
        said = printable(f"{type(error).__name__}: {error}")
        click.echo(f"download: a defect of this program: {said}; see --debug", err=True)
        return ExitStatus.SOME_FAILED


def _check(folder: Path, *, quiet: bool, verbose: bool) -> ExitStatus:
    # What reads documents takes a while to load, and most runs do without.
    from downloader.checked import run_check

    return run_check(folder, quiet=quiet, verbose=verbose)


def _start(
    source: tuple[str, ...], options: Options, view: View, wishes: Wishes, *, demo: bool
) -> ExitStatus:
    with ExitStack() as stack:
        if (processes := cluster.size(options)) > 1:
            stack.enter_context(cluster.forked_ahead(processes))
        if demo:
            source = stack.enter_context(demo_site())
        for one in source:
            sources.check(one)
        desk = stack.enter_context(Desk(wishes, None if options.remote else options.output))
        with runner(debug=view.debug) as loop:
            return loop.run(run(source, options, view, desk))


def _silence_stdout() -> None:
    """Keep Python's own flush at exit from complaining about what was reported already."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
