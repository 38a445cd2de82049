"""From the options of a command line to a run: its :class:`Options`, its reports, its place."""

import importlib.util
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from downloader import sources
from downloader.cli.options import Given
from downloader.cli.output_file import output_target
from downloader.cli.passwords import certificate_fields, with_password
from downloader.cli.proxies import ProxyFields, proxy_fields
from downloader.cli.run_printer import OutcomeView, run_download
from downloader.core.cores import usable_cores
from downloader.core.event_loop import runner
from downloader.errors import RunError
from downloader.models import DEFAULT_LEVEL, ExitStatus, Options, Pack, WarcDigest
from downloader.report.formats import STDOUT, holds_texts
from downloader.report.interface import GithubStep, ReportOptions, open_reporter
from downloader.scheduling import check_open_file_limit
from downloader.web.urls import redact_text

if TYPE_CHECKING:
    from downloader.cli.exec_commands import ExecOptions
    from downloader.cluster import ClusterPlan

#: The names of the fields of Options, most of which an option has, too.
OPTION_FIELDS = frozenset(field.name for field in fields(Options))


def download(source: Sequence[str], given: Given) -> ExitStatus:
    """Download what SOURCEs hold, as the options say.

    Raises:
        DownloadError: the run could not be made, or not to its end.
        OSError: the output cannot be written.
    """
    # Checked here too, because already the event loop needs file descriptors.
    check_open_file_limit()
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
        reports_to_stdout=STDOUT in given["report"],
        mirrors=options.mirrors,
    )
    with ExitStack() as stack:
        if plan is None and options.process_count > 1:
            from downloader.core.processes import forked_ahead

            stack.enter_context(forked_ahead(options.process_count))
        if given["demo"]:
            from downloader.cli.demo import demo_site

            source = stack.enter_context(demo_site())
        for each in source:
            sources.check_readable(each)
        reporter = stack.enter_context(
            open_reporter(_report_options(source, given, options), options.folder)
        )
        with runner(debug=view.debug) as loop:
            exec_options = _exec_options(given, options)
            return loop.run(
                run_download(tuple(source), options, view, reporter, plan, exec_options)
            )


def _options_of(source: Sequence[str], given: Given) -> Options:
    """Return what was given as the fields of Options, most of which have an option's name."""
    same = {name: value for name, value in given.items() if name in OPTION_FIELDS}
    archives = [Path(each) for each in source if sources.is_archive(each)]
    level = DEFAULT_LEVEL if given["recursive"] and given["level"] is None else given["level"]
    target = output_target(source, given)
    changed = {
        "output": target.folder,
        "file": target.file,
        "stream": target.stream,
        "remote": given["output"].remote,
        "host_directories": not given["no_host_directories"],
        "server_timestamps": not given["no_use_server_timestamps"],
        **request_fields(given),
        **_proxies(given),
        "body": _body_of(given),
        "save": not given["no_save"],
        "keep_texts": any(map(holds_texts, given["report"])),
        "timings": bool(given["report"]),
        "titles": bool(given["report"] or given["compare"]),
        "keep_input": bool(given["report"] or (given["exec"] and given["exec"].needs_columns)),
        "robots": not given["no_robots"],
        "level": level,
        "warc_digest": WarcDigest(given["warc_digest"]),
        "pack": Pack(given["pack"]) if given["pack"] else None,
        "replay": tuple(archives),
        # What an archive does not hold now, it will not hold later.
        "retries": 0 if archives else given["retries"],
    }
    return Options(**{**same, **changed})


def request_fields(given: Given) -> dict[str, Any]:
    """Return the fields of Options for the options of requests that have other names."""
    return {
        "headers": given["header"],
        "accept_cookies": not given["no_cookies"],
        "user": with_password(
            given["user"], "write -u NAME:PASSWORD, set DOWNLOAD_USER, or see --netrc"
        ),
        **certificate_fields(given["cert"], given["key"]),
        "ip_version": 4 if given["ipv4"] else 6 if given["ipv6"] else None,
        "send_referer": not given["no_referer"],
    }


def _body_of(given: Given) -> bytes | None:
    """Return the body of requests; several texts are fields of one form, as in curl."""
    parts: tuple[bytes, ...] = given["data"]
    binary: bytes | None = given["data_binary"]
    return b"&".join(parts) if parts else binary


def proxies_given(given: Given) -> ProxyFields:
    """Return the proxies that options and the environment name."""
    user = with_password(
        given["proxy_user"], "write --proxy-user NAME:PASSWORD, or set DOWNLOAD_PROXY_USER"
    )
    return proxy_fields(given["proxy"], user, given["noproxy"], os.environ)


def _proxies(given: Given) -> ProxyFields:
    if given["demo"]:
        # Its site is on this machine.
        return ProxyFields(http_proxy=None, https_proxy=None, no_proxy="")
    return proxies_given(given)


def _report_options(source: Sequence[str], given: Given, options: Options) -> ReportOptions:
    return ReportOptions(
        files=given["report"],
        sizes=given["sizes"] or (given["verbose"] and not given["quiet"]),
        compare=given["compare"],
        fail_on=given["fail_on"],
        budget=given["budget"],
        lock=given["lock"],
        locked=given["locked"],
        lists=(*map(Path, source), *([options.checksums] if options.checksums else [])),
        rewrites=options.mirrors,
        github=GithubStep.of(os.environ),
    )


def _exec_options(given: Given, options: Options) -> "ExecOptions | None":
    if given["exec"] is None:
        return None
    from downloader.cli.exec_commands import ExecOptions

    return ExecOptions(
        template=given["exec"], timeout=given["exec_timeout"], after_run=options.mirrors
    )


def _plan_of(options: Options, given: Given) -> "ClusterPlan | None":
    """Return how a cluster shares the list, or None for a run on this machine.

    Raises:
        RunError: Dask is not installed.
    """
    if given["engine"] == "local":
        return None
    if importlib.util.find_spec("distributed") is None:
        raise RunError(
            "--engine dask needs Dask, which is not installed",
            hint="install it with: pip install 'download-sites[dask]'",
        )
    from downloader.cluster import ClusterPlan

    workers = options.processes or usable_cores()
    return ClusterPlan(given["scheduler"], given["shards"], workers)
