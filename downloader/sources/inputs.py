"""The SOURCEs of a command line: addresses, files and standard input."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from downloader import parquet
from downloader.errors import SourceError
from downloader.sources.entries import Entry, ListLine, from_line
from downloader.sources.formats import FetchList, parse_list
from downloader.sources.line_reader import GZIP
from downloader.sources.tabular import parse_parquet
from downloader.web.archive_formats import archive_format, has_archive_suffix
from downloader.web.text import printable

#: The SOURCE that is standard input.
STDIN = "-"

_CHUNK = 64 * 1024
#: Bytes that tell Parquet, which is read from its end, from everything else.
_MAGIC = 4
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def is_address(source: str) -> bool:
    """Return whether a SOURCE of the command line is itself a URL and no list."""
    return _WEB_ADDRESS.match(source) is not None


def is_archive(source: str) -> bool:
    """Return whether a SOURCE of the command line is a web archive, by its name or first bytes."""
    if is_address(source) or source == STDIN:
        return False
    if has_archive_suffix(source):
        return True
    try:
        path = Path(source)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return archive_format(file) is not None
    except (OSError, ValueError):
        return False


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
        with path.open("rb") as file:
            if parquet.is_parquet(path.name, file.read(_MAGIC)):
                parquet.load()
    except parquet.ParquetError as error:
        raise SourceError(f"{shown} {error.message}", hint=error.hint) from error
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


def _lines_of(source: str, fetch_list: FetchList) -> Iterator[ListLine]:
    if is_address(source):
        yield ListLine("command line", source)
        return
    shown = "stdin" if source == STDIN else printable(source)
    name = PurePosixPath(source).name
    with _opened(source) as stream:
        if source != STDIN and _is_parquet_file(stream, name):
            yield from parse_parquet(stream, shown)
        else:
            yield from parse_list(_pieces(stream), shown, name, fetch_list)


def _is_parquet_file(stream: BinaryIO, name: str) -> bool:
    """Return whether a file is Parquet that can be read where it is; it stays at its beginning."""
    if not stream.seekable():
        return False
    head = stream.read(_MAGIC)
    stream.seek(0)
    return head[:2] != GZIP and parquet.is_parquet(name, head)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a list, as soon as there are some."""
    while data := os.read(stream.fileno(), _CHUNK):
        yield data


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    """Open a file or standard input, without a buffer.

    Raises:
        SourceError: it cannot be opened, or what is done with it meanwhile fails.
    """
    if source == STDIN and sys.stdin is None:
        raise SourceError("standard input is closed")
    try:
        with (
            open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
            if source == STDIN
            else Path(source).open("rb", buffering=0)
        ) as stream:
            yield stream
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {_shown(source)}: {_reason(error)}") from error


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else printable(source)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
