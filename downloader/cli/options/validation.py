"""Which options go together: what would do nothing, or cannot be, is a usage error."""

from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from downloader import sources

#: Options for links that are followed, and for what pages refer to.
_OF_LINKS = ("span_hosts", "no_parent", "no_robots")
_OF_PARTS = ("accept", "reject", "max_urls")
#: Options that mirror.
_MIRRORS = ("mirror", "single_file", "recursive", "level")
#: Options for what is in the output folder.
_OF_FILES = ("refresh", "verify", *_MIRRORS)
#: What has nothing to do where bodies go to volumes, and why.
_NOT_PACKED = {
    "no_save": "leaves nothing to pack",
    **dict.fromkeys(_MIRRORS, "needs files of their own"),
    **dict.fromkeys(("warc", "wacz"), "would keep the same twice: leave it out"),
    "verify": "hashes files; see warcio check for volumes",
}
#: What a cluster does not do, and what to do instead.
_NOT_SHARED = {
    **dict.fromkeys(_MIRRORS, "does not mirror pages; see --shard"),
    **dict.fromkeys(("warc", "wacz"), "keeps no archive in one file; see --shard"),
}


def validate(source: Sequence[str], given: Mapping[str, Any], ctx: click.Context) -> None:
    """Check the options of a command line, or of a config file, against each other.

    Raises:
        UsageError: some do not go together, or a SOURCE is missing or too many.
    """
    wrong = (
        _wrong_sources(source, given)
        or _wrong_mirror(given, ctx)
        or _wrong_saving(given)
        or _wrong_archives(source, given)
        or _wrong_engine(source, given, ctx)
    )
    if wrong:
        raise click.UsageError(wrong, ctx)


def _wrong_sources(source: Sequence[str], given: Mapping[str, Any]) -> str:
    own = [flag for flag in ("check", "demo", "locked") if given[flag]]
    if given["merge"]:
        fits = source and not own
        if given["output"].remote or any("://" in one for one in source):
            return "--merge takes and makes folders of this machine, not stores"
        return "" if fits else "--merge takes the folders, or the reports, to merge as SOURCEs"
    if len(own) > 1 or (own and source):
        return f"--{own[0]} takes no SOURCE"
    return "" if own or source else "name a SOURCE: a list file, - or a URL"


def _wrong_mirror(given: Mapping[str, Any], ctx: click.Context) -> str:
    """Only what stands on the command line: a config file may set what does nothing here."""
    links = given["recursive"] or given["level"] is not None
    mirror = links or given["mirror"] or given["single_file"]
    for names, needed, there in (
        (_OF_LINKS, "--recursive", links),
        (_OF_PARTS, "--mirror or --recursive", mirror),
    ):
        for name in () if there else names:
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                return f"{_flag(name)} needs {needed}"
    return ""


def _wrong_saving(given: Mapping[str, Any]) -> str:
    for name in _MIRRORS if given["output"].remote else ():
        if given[name]:
            return f"{_flag(name)} needs a folder; mirror into one, and copy that"
    wrong = [name for name in _OF_FILES if given["no_save"] and given[name]]
    if wrong:
        return f"--no-save leaves nothing that {_flag(wrong[0])} could be for"
    for name, why in _NOT_PACKED.items() if given["pack"] else ():
        if given[name]:
            return f"--pack: {_flag(name)} {why}"
    return ""


def _wrong_archives(source: Sequence[str], given: Mapping[str, Any]) -> str:
    archives = [one for one in source if sources.is_archive(one)]
    if not archives:
        return ""
    if len(archives) < len(source):
        return "an archive takes the network's place: name no other SOURCE"
    if given["warc"] or given["wacz"]:
        return "an archive is made from the network, not from another"
    if given["pack"]:
        return "--pack: what is in an archive is packed already"
    return ""


def _wrong_engine(source: Sequence[str], given: Mapping[str, Any], ctx: click.Context) -> str:
    if given["engine"] == "local":
        for name in ("scheduler", "shards"):
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                return f"{_flag(name)} needs --engine dask"
        return ""
    for name, why in _NOT_SHARED.items():
        if given[name]:
            return f"--engine dask {why}"
    if any(map(sources.is_archive, source)):
        return "--engine dask does not unpack archives"
    return ""


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
