"""The SOURCEs of a command line: addresses, files and standard input."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from downloader.errors import SourceError
from downloader.sources.entries import Entry, Line, from_line
from downloader.sources.formats import FetchList, parse_list
from downloader.text import printable

#: The SOURCE that is standard input.
STDIN = "-"

_ARCHIVES = (".warc", ".warc.gz", ".wacz")
_CHUNK = 64 * 1024
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def is_address(source: str) -> bool:
    """Return whether a SOURCE of the command line is itself a URL and no list."""
    return _WEB_ADDRESS.match(source) is not None


def is_archive(source: str) -> bool:
    """Return whether a SOURCE of the command line is a web archive, by its name."""
    return not is_address(source) and source.lower().endswith(_ARCHIVES)


def check(source: str) -> None:
    """Find out before anything is fetched whether a SOURCE can be read.

    Raises:
        SourceError: it cannot.
    """
    if is_address(source) or source == STDIN:
        return
    path = Path(source)
    shown = printable(source)
    if path.is_dir():
        raise SourceError(f"{shown} is a folder, not a list", hint="name a file inside it")
    if _SCHEME.match(source):
        raise SourceError(f"{shown} is neither a list nor an http or https address")
    try:
        if path.exists() and not path.is_file():
            # To open a pipe and close it again would take it from who reads it later.
            return
        with path.open("rb"):
            pass
    except FileNotFoundError:
        hint = "" if source.startswith("/") else f"if it is an address, write https://{shown}"
        raise SourceError(f"there is no list {shown}", hint=hint) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {shown}: {_reason(error)}") from error


def read(sources: Iterable[str], fetch_list: FetchList) -> Iterator[Entry]:
    """Yield what the SOURCEs of a command line hold, in order.

    Raises:
        SourceError: a list cannot be read, or holds nothing; what came before was yielded.
    """
    index = 0
    for source in sources:
        empty = True
        for line in _lines_of(source, fetch_list):
            empty = False
            yield from_line(line, index)
            index += 1
        if empty:
            raise SourceError(f"{_shown(source)} holds no address")


def _lines_of(source: str, fetch_list: FetchList) -> Iterator[Line]:
    if is_address(source):
        yield Line("command line", source)
        return
    shown = "stdin" if source == STDIN else printable(source)
    yield from parse_list(_read_bytes(source), shown, PurePosixPath(source).name, fetch_list)


def _read_bytes(source: str) -> Iterator[bytes]:
    """Yield the bytes of a file or of standard input, as soon as there are some."""
    if source == STDIN and sys.stdin is None:
        raise SourceError("standard input is closed")
    try:
        with (
            open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
            if source == STDIN
            else Path(source).open("rb", buffering=0)
        ) as stream:
            while data := os.read(stream.fileno(), _CHUNK):
                yield data
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {_shown(source)}: {_reason(error)}") from error


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else printable(source)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
