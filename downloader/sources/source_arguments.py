"""The SOURCE arguments of a command line: URLs, list files and standard input."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from downloader.errors import SourceError
from downloader.sources.entries import Entry, ListLine, from_line
from downloader.sources.formats import detect_format
from downloader.sources.list_input import DEFAULT_SETTINGS, FetchList, ListSettings
from downloader.sources.list_reader import ListReader
from downloader.web import urls
from downloader.web.archive_formats import archive_format, has_archive_suffix
from downloader.web.text import printable

#: The SOURCE that stands for standard input.
STDIN = "-"

_CHUNK_BYTES = 64 * 1024
#: Bytes that suffice to recognise a binary format.
_MAGIC_BYTES = 16
_ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB_SCHEME = re.compile(r"https?://", re.IGNORECASE)


def is_url(source: str) -> bool:
    """Return whether a SOURCE is a URL to fetch, and not a list."""
    return _WEB_SCHEME.match(source) is not None


def is_archive(source: str) -> bool:
    """Return whether a SOURCE is a web archive, by its name or first bytes."""
    if is_url(source) or source == STDIN:
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


def check_readable(source: str) -> None:
    """Check that a SOURCE can be read, before anything is fetched.

    Raises:
        SourceError: it cannot.
    """
    if is_url(source) or source == STDIN:
        return
    path = Path(source)
    label = printable(source)
    if path.is_dir():
        raise SourceError(f"{label} is a folder, not a list", hint="name a file inside it")
    if _ANY_SCHEME.match(source):
        raise SourceError(f"{label} is neither a list nor an http or https URL")
    try:
        if path.exists() and not path.is_file():
            # To open a pipe and close it again would break it for its writer.
            return
        with path.open("rb") as file:
            head = file.read(_MAGIC_BYTES)
    except FileNotFoundError:
        hint = "" if source.startswith("/") else f"if it is a URL, write https://{label}"
        raise SourceError(f"there is no list {label}", hint=hint) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {label}: {_reason(error)}") from error
    try:
        detect_format(path.name, head, "").check_requirements()
    except SourceError as error:
        raise SourceError(f"{label} {error.message}", hint=error.hint) from error


def read(
    sources: Iterable[str], fetch_list: FetchList, settings: ListSettings = DEFAULT_SETTINGS
) -> Iterator[Entry]:
    """Yield what the SOURCEs of a command line hold, in order.

    Args:
        sources: list files, URLs and ``-``.
        fetch_list: returns the bytes of lists on the network.
        settings: how lists are read; the sitemaps among them come last.

    Raises:
        SourceError: a list cannot be read, or holds nothing; what came before was yielded.
    """
    index = 0
    reader = ListReader(fetch_list, settings)
    lists = [
        *((_shown(source), _lines_of(source, reader)) for source in sources),
        *((urls.redact(site), reader.site_lines(site)) for site in settings.sitemaps),
    ]
    for name, lines in lists:
        empty = True
        for line in lines:
            empty = False
            yield from_line(line, index, settings.request, keeps_input=settings.keeps_input)
            index += 1
        if empty:
            raise SourceError(f"{name} holds no URL")


def _lines_of(source: str, reader: ListReader) -> Iterator[ListLine]:
    if is_url(source):
        yield ListLine("command line", source)
        return
    label = "stdin" if source == STDIN else printable(source)
    name = PurePosixPath(source).name
    with _opened(source) as stream:
        file = stream if source != STDIN and stream.seekable() else None
        yield from reader.lines(
            _chunks(stream),
            label,
            name,
            file=file,
            is_typed=source == STDIN and stream.isatty(),
        )


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a list as soon as they arrive, also from a slow pipe."""
    while data := os.read(stream.fileno(), _CHUNK_BYTES):
        yield data


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    """Open a file or standard input, unbuffered.

    Raises:
        SourceError: it cannot be opened or, inside the context, not be read.
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
