"""The command: click → Options → run → exit status; the only ``sys.exit``."""

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from downloader import sources
from downloader._version import __version__
from downloader.cli.demo import demo_site
from downloader.cli.download import OutcomeView, run_download
from downloader.cli.merge_folders import run_merge_folders
from downloader.cli.merge_reports import run_merge_reports
from downloader.cli.options import Given, GroupedCommand, usable_cores, validate, with_options
from downloader.cli.terminal import prepare_streams
from downloader.cluster import ClusterPlan
from downloader.core import processes
from downloader.core.event_loop import log_everything, runner
from downloader.errors import DiskError, DownloadError, RunError
from downloader.models import DEFAULT_LEVEL, ExitStatus, Options, Pack, WarcDigest
from downloader.report.formats import format_of
from downloader.report.reporter import Reporter, ReportOptions
from downloader.web.text import printable
from downloader.web.urls import redact_text

_FIELDS = frozenset(field.name for field in fields(Options))


@click.command(
    cls=GroupedCommand,
    context_settings={
        "auto_envvar_prefix": "DOWNLOAD",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.argument("source", nargs=-1, metavar="SOURCE...")
@with_options
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, /, source: tuple[str, ...], **given: Any) -> None:
    """Fetch every URL of SOURCE... at once, save each safely, and say how big each one is.

    A SOURCE is a list file, - for standard input, a URL, or a web archive (.warc.gz, .wacz) that
    is unpacked without the network. Lists: text with one URL a line, a sitemap, or CSV, TSV,
    JSONL or Parquet with a column url; all but Parquet also gzipped.

    Exit status: 0 all done, 1 some URL failed or is over a budget, 2 usage or unreadable list,
    3 the disk failed, 130 interrupted.
    """
    validate(source, given, ctx)
    prepare_streams()
    if given["check"] is not None:
        sys.exit(_guarded(lambda: _run_check(given), debug=given["debug"]))
    if given["merge"]:
        sys.exit(_guarded(lambda: _run_merge(source, given), debug=given["debug"]))
    if given["debug"]:
        log_everything()
    sys.exit(_guarded(lambda: _download(source, given), debug=given["debug"]))


def _options_of(source: Sequence[str], given: Given) -> Options:
    """Return what was given as the fields of Options, most of which have an option's name."""
    same = {name: value for name, value in given.items() if name in _FIELDS}
    archives = [Path(one) for one in source if sources.is_archive(one)]
    level = DEFAULT_LEVEL if given["recursive"] and given["level"] is None else given["level"]
    changed = {
        "output": given["output"].folder,
        "remote": given["output"].remote,
        "headers": given["header"],
        "server_timestamps": not given["no_use_server_timestamps"],
        "save": not given["no_save"],
        "timings": bool(given["report"]),
        "robots": not given["no_robots"],
        "level": level,
        "warc_digest": WarcDigest(given["warc_digest"]),
        "pack": Pack(given["pack"]) if given["pack"] else None,
        "replay": tuple(archives),
        # What an archive does not hold now, it will not hold later.
        "retries": 0 if archives else given["retries"],
    }
    return Options(**{**same, **changed})


def _wishes_of(source: Sequence[str], given: Given) -> ReportOptions:
    return ReportOptions(
        files=given["report"],
        sizes=given["sizes"] or (given["verbose"] and not given["quiet"]),
        compare=given["compare"],
        budget=given["budget"],
        lock=given["lock"],
        locked=given["locked"],
        lists=tuple(map(Path, source)),
    )


def _plan_of(options: Options, given: Given) -> ClusterPlan | None:
    """Return how a cluster is to do it, or None for this machine.

    Raises:
        RunError: what is needed for it is not installed.
    """
    if given["engine"] == "local":
        return None
    if importlib.util.find_spec("distributed") is None:
        raise RunError(
            "--engine dask needs Dask, which is not installed",
            hint="install it with: pip install 'download-sites[dask]'",
        )
    workers = options.processes if options.processes > 1 else usable_cores()
    return ClusterPlan(given["scheduler"], given["shards"], workers)


def _download(source: Sequence[str], given: Given) -> ExitStatus:
    if given["locked"] is not None:
        source = (str(given["locked"]),)
    options = _options_of(source, given)
    plan = _plan_of(options, given)
    view = OutcomeView(
        redact_text(options.remote) if options.remote else options.output,
        quiet=given["quiet"],
        verbose=given["verbose"],
        progress=not given["no_progress"],
        debug=given["debug"],
    )
    with ExitStack() as stack:
        if plan is None and options.process_count > 1:
            stack.enter_context(processes.forked_ahead(options.process_count))
        if given["demo"]:
            source = stack.enter_context(demo_site())
        for one in source:
            sources.check_readable(one)
        desk = stack.enter_context(Reporter(_wishes_of(source, given), options.folder))
        with runner(debug=view.debug) as loop:
            return loop.run(run_download(tuple(source), options, view, desk, plan))


def _run_check(given: Given) -> ExitStatus:
    # What reads documents takes a while to load, and most runs do without.
    from downloader.cli.check import run_check

    return run_check(given["check"], quiet=given["quiet"], verbose=given["verbose"])


def _run_merge(source: Sequence[str], given: Given) -> ExitStatus:
    paths = [Path(each) for each in source]
    if not any(path.is_dir() for path in paths) and any(map(format_of, paths)):
        with Reporter(_wishes_of(source, given), given["output"].folder) as desk:
            return run_merge_reports(paths, desk, quiet=given["quiet"])
    if given["report"]:
        raise RunError(
            "a report is made of reports, and not of folders", hint="name reports as SOURCEs"
        )
    return run_merge_folders(paths, given["output"].folder, quiet=given["quiet"])


def _guarded(run_download: Callable[[], ExitStatus], *, debug: bool) -> ExitStatus:
    """Turn whatever ends a run into one line and an exit status; tracebacks only for --debug."""
    try:
        return run_download()
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


def _silence_stdout() -> None:
    """Keep Python's own flush at exit from complaining about what was reported already."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
