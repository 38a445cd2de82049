"""Options that exclude each other, or would have no effect, are usage errors."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from downloader import sources
from downloader.cli.options.request_types import BODY_FROM_STDIN
from downloader.cli.output_file import is_stdout, output_target, takes_one_url
from downloader.cli.subcommands import SUBCOMMANDS
from downloader.report.formats import STDOUT, format_of, holds_texts
from downloader.web.text import printable

#: Options that need links to be followed, and those that need pages to be mirrored.
_RECURSIVE_OPTIONS = (
    *("span_hosts", "domains", "same_site", "no_parent", "no_robots", "max_queries"),
)
_MIRROR_OPTIONS = ("accept", "reject", "max_urls", "index", "missing_page")
#: Options that turn mirroring on.
_MIRROR_FLAGS = ("mirror", "single_file", "recursive", "level")
#: Options that change the names that URLs have.
_NAMING_OPTIONS = ("no_host_directories", "host_folders", "cut_dirs", "content_disposition")
#: Options that need saved files.
_SAVED_FILE_OPTIONS = ("refresh", "verify", *_MIRROR_FLAGS)
#: Options that need cookies.
_COOKIE_OPTIONS = ("cookies", "cookies_from_browser", "save_cookies")
#: Options that --pack excludes, and why.
_NOT_WITH_PACK = {
    "no_save": "leaves nothing to pack",
    **dict.fromkeys(_MIRROR_FLAGS, "needs one file per page"),
    **dict.fromkeys(("warc", "wacz"), "would save everything twice; leave it out"),
    "verify": "hashes files; to verify WARC files use: warcio check",
}
#: Options that --engine dask excludes, and why.
_NOT_WITH_DASK = {
    **dict.fromkeys(_MIRROR_FLAGS, "does not mirror pages; see --shard"),
    **dict.fromkeys(("warc", "wacz"), "cannot write one archive file; see --shard"),
    "save_cookies": "cannot write one file of cookies; see --shard",
    "near_duplicates": "cannot compare pages of several machines",
    "cookies_from_browser": "cannot read a browser on other machines; see --cookies",
    "checksums": "cannot read a file of checksums on other machines; use a column sha256",
    "exec": "saves files on other machines; --exec runs commands here",
}


def validate(source: Sequence[str], given: Mapping[str, Any], ctx: click.Context) -> None:
    """Check options, from the command line or a config file, against each other.

    Raises:
        UsageError: options exclude each other, or a SOURCE is missing or superfluous.
    """
    problem = (
        _source_problem(source, given)
        or _mirror_problem(given, ctx)
        or _delay_problem(given, ctx)
        or _saving_problem(source, given)
        or _exec_problem(source, given)
        or _report_problem(given, ctx)
        or _naming_problem(given)
        or _extraction_problem(given)
        or _request_problem(source, given, ctx)
        or _archive_problem(source, given)
        or _engine_problem(source, given, ctx)
    )
    if problem:
        raise click.UsageError(problem, ctx)


def _source_problem(source: Sequence[str], given: Mapping[str, Any]) -> str:
    instead = [name for name in ("demo", "locked") if given[name]]
    if len(instead) > 1 or (instead and source):
        return f"--{instead[0]} takes no SOURCE"
    for each in source:
        if each in SUBCOMMANDS and not Path(each).exists():
            return f"{each} is a subcommand, which comes first: download {each} [OPTIONS]"
    if instead and given["sitemap"]:
        return f"--{instead[0]} and --sitemap cannot be combined"
    has_source = instead or source or given["sitemap"]
    return "" if has_source else "name a SOURCE: a list file, - or a URL"


def _mirror_problem(given: Mapping[str, Any], ctx: click.Context) -> str:
    """Check what stands on the command line; defaults in a config file may have no effect."""
    recursive = given["recursive"] or given["level"] is not None
    mirrors = recursive or given["mirror"] or given["single_file"]
    for names, needed, present in (
        (_RECURSIVE_OPTIONS, "--recursive", recursive),
        (_MIRROR_OPTIONS, "--mirror or --recursive", mirrors),
    ):
        for name in () if present else names:
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                return f"{_flag(name)} needs {needed}"
    return ""


def _delay_problem(given: Mapping[str, Any], ctx: click.Context) -> str:
    """A run that follows links may have delays of robots.txt."""
    recursive = given["recursive"] or given["level"] is not None
    source = ctx.get_parameter_source("random_wait")
    if source is ParameterSource.COMMANDLINE and not (given["delay"] or recursive):
        return "--random-wait needs --delay"
    return ""


def _report_problem(given: Mapping[str, Any], ctx: click.Context) -> str:
    source = ctx.get_parameter_source("fail_on")
    if source is ParameterSource.COMMANDLINE and not given["compare"]:
        return "--fail-on needs --compare"
    return ""


def _saving_problem(source: Sequence[str], given: Mapping[str, Any]) -> str:
    if is_stdout(given["output"]) and not (given["no_save"] or takes_one_url(source, given)):
        return (
            "-o - writes one body to standard output: name one URL, and leave out what saves more"
        )
    if is_stdout(given["output"]) and STDOUT in given["report"]:
        return "-o - and --report - both write to standard output; name a file for one of them"
    for name in _MIRROR_FLAGS if given["output"].remote else ():
        if given[name]:
            return f"{_flag(name)} needs a folder; mirror into one, and copy that"
    for name in _SAVED_FILE_OPTIONS if given["no_save"] else ():
        if given[name]:
            return f"{_flag(name)} needs saved files; leave out --no-save"
    if problem := _file_report_problem(given):
        return problem
    for name, reason in _NOT_WITH_PACK.items() if given["pack"] else ():
        if given[name]:
            return f"--pack: {_flag(name)} {reason}"
    return ""


def _file_report_problem(given: Mapping[str, Any]) -> str:
    saves_files = not (given["no_save"] or given["pack"] or is_stdout(given["output"]))
    for path in () if saves_files else given["report"]:
        if (report_format := format_of(path)) is not None and report_format.needs_files:
            return (
                f"--report {printable(str(path))} lists saved files; leave out --no-save, --pack "
                "and -o -"
            )
    return ""


def _exec_problem(source: Sequence[str], given: Mapping[str, Any]) -> str:
    if not given["exec"]:
        return "--exec-timeout needs --exec" if given["exec_timeout"] is not None else ""
    output = given["output"]
    shown = printable(output.text)
    if sys.platform == "win32":
        return "--exec is not available on Windows"
    for reason, applies in (
        ("leave out --no-save", given["no_save"]),
        ("leave out --pack", given["pack"]),
        (f"-o {shown} is an object store", output.remote is not None),
        (f"-o {shown} saves none", output_target(source, given).stream is not None),
    ):
        if applies:
            return f"--exec runs a command after each saved file; {reason}"
    return ""


def _naming_problem(given: Mapping[str, Any]) -> str:
    if given["host_folders"] and given["no_host_directories"]:
        return "--host-folders and -nH cannot be combined"
    if not given["name_template"]:
        return ""
    for name in _MIRROR_FLAGS:
        if given[name]:
            return f"--name-template: {_flag(name)} names files itself; see -nH and --cut-dirs"
    for name in _NAMING_OPTIONS:
        if given[name]:
            return f"--name-template decides the whole name; leave out {_flag(name)}"
    return ""


def _extraction_problem(given: Mapping[str, Any]) -> str:
    if not given["extract"]:
        return "--near-duplicates needs --extract" if given["near_duplicates"] else ""
    if is_stdout(given["output"]) and not given["no_save"]:
        return "--extract saves files beside pages; name a folder or a file as --output"
    if (given["no_save"] or given["pack"]) and not any(map(holds_texts, given["report"])):
        option = "--no-save" if given["no_save"] else "--pack"
        return f"--extract with {option} needs a --report in .jsonl, .json or .parquet"
    return ""


def connection_problem(given: Mapping[str, Any]) -> str:
    """Check the options of connections and cookies; return what is wrong with them, or nothing."""
    for name in _COOKIE_OPTIONS if given["no_cookies"] else ():
        if given[name]:
            return f"{_flag(name)} and --no-cookies cannot be combined"
    cookies: Path | None = given["cookies"]
    if cookies is not None and cookies != given["save_cookies"] and not cookies.exists():
        return f"--cookies: there is no file {printable(str(cookies))}"
    if given["user"] and given["bearer"]:
        return "--user and --bearer cannot be combined; a site takes one of them"
    if given["key"] and not given["cert"]:
        return "--key needs --cert"
    if given["ipv4"] and given["ipv6"]:
        return "--ipv4 and --ipv6 cannot be combined; leave out both to use any address"
    return ""


def _request_problem(source: Sequence[str], given: Mapping[str, Any], ctx: click.Context) -> str:
    if problem := connection_problem(given):
        return problem
    if ctx.meta.get(BODY_FROM_STDIN) and sources.STDIN in source:
        return "standard input is the list; read the body from a file"
    if given["locked"] and (given["method"] not in (None, "GET") or _has_body(given)):
        return "--locked fetches a list of GETs; leave out --method and --data"
    if given["data"] and given["data_binary"] is not None:
        return "--data and --data-binary cannot be combined; a request has one body"
    if given["method"] == "HEAD" and not given["no_save"]:
        return "--method HEAD gets no body to save; --no-save reports sizes"
    return ""


def _has_body(given: Mapping[str, Any]) -> bool:
    return bool(given["data"]) or given["data_binary"] is not None


def _archive_problem(source: Sequence[str], given: Mapping[str, Any]) -> str:
    archives = [each for each in source if sources.is_archive(each)]
    if not archives:
        return ""
    if len(archives) < len(source) or given["sitemap"]:
        return "a web archive is read without the network; name no other SOURCE beside it"
    if given["warc"] or given["wacz"]:
        return "--warc and --wacz archive the network; they cannot copy another archive"
    if given["method"] not in (None, "GET") or _has_body(given):
        return "a web archive answers only a GET; leave out --method and --data"
    if given["pack"]:
        return "--pack: the files of a web archive are packed already"
    return ""


def _engine_problem(source: Sequence[str], given: Mapping[str, Any], ctx: click.Context) -> str:
    if given["engine"] == "local":
        for name in ("scheduler", "shards"):
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                return f"{_flag(name)} needs --engine dask"
        return ""
    for name, reason in _NOT_WITH_DASK.items():
        if given[name]:
            return f"--engine dask {reason}"
    if any(map(sources.is_archive, source)):
        return "--engine dask does not unpack archives"
    return ""


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
