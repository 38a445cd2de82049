"""Parse a list in any format, and the lists that it names."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from downloader.errors import BadUrlError, SourceError, UrlError
from downloader.sources.entries import ListLine
from downloader.sources.formats import detect_format, format_names
from downloader.sources.list_input import (
    DEFAULT_SETTINGS,
    FetchList,
    ListInput,
    ListSettings,
    NestedList,
)
from downloader.sources.text_lines import (
    GZIP_MAGIC,
    detect_encoding,
    ends_with_cr,
    first_lines,
    gunzip,
    is_binary,
    peek,
)
from downloader.web import urls

#: How often a list may be compressed: servers send a ``.gz`` with ``Content-Encoding: gzip``.
_MAX_COMPRESSIONS = 2


def parse_list(
    chunks: Iterator[bytes],
    label: str,
    name: str,
    fetch_list: FetchList,
    settings: ListSettings = DEFAULT_SETTINGS,
    *,
    file: BinaryIO | None = None,
    is_typed: bool = False,
    nesting: int = 0,
) -> Iterator[ListLine]:
    """Yield the lines of a list in any format, and of the lists that it names.

    Args:
        chunks: its bytes, perhaps gzipped.
        label: what it is called in origins and messages.
        name: its file name, whose extension may tell the format.
        fetch_list: returns the bytes of lists that it names.
        settings: how lists are read.
        file: what *chunks* come from, if that is seekable.
        is_typed: whether somebody types it at a terminal.
        nesting: how many lists led to this one.

    Raises:
        SourceError: it cannot be read or parsed; the lines before the error were yielded.
    """
    chunks, data = peek(chunks)
    compressions = 0
    while data.startswith(GZIP_MAGIC) and compressions < _MAX_COMPRESSIONS:
        compressions += 1
        name = name.lower().removesuffix(".gz")
        chunks, data = peek(gunzip(chunks, label))
    encoding = detect_encoding(data)
    list_format = detect_format(
        name,
        data,
        first_lines(data, encoding),
        has_columns=settings.url_column is not None,
    )
    if list_format.is_binary and compressions:
        raise SourceError(f"{label} is {list_format.name} within gzip", hint="gunzip it first")
    if not list_format.is_binary and encoding == "utf-8" and is_binary(data):
        raise SourceError(
            f"{label} is binary data, not a list of addresses", hint=f"a list is {format_names()}"
        )
    source = ListInput(
        label,
        chunks,
        encoding,
        None if compressions else file,
        ends_with_cr=ends_with_cr(data, encoding),
        is_typed=is_typed,
        settings=settings,
    )
    for line in list_format.parse(source):
        if isinstance(line, NestedList):
            yield from _parse_nested(line, fetch_list, settings, nesting)
        else:
            yield line


def _parse_nested(
    nested: NestedList, fetch_list: FetchList, settings: ListSettings, nesting: int
) -> Iterator[ListLine]:
    """Yield the lines of a list that another list names, or the failure to fetch it."""
    if nesting:
        # "Sitemap index files may not list other index files" (sitemaps.org); this ends loops.
        error: UrlError = BadUrlError("an index inside a sitemap index")
        yield ListLine(nested.origin, nested.text, error=error)
        return
    try:
        url = urls.parse(nested.text)
        name = PurePosixPath(urls.split(url)[1]).name
        for line in parse_list(
            fetch_list(url), urls.redact(url), name, fetch_list, settings, nesting=nesting + 1
        ):
            line.is_foreign = True
            yield line
    except UrlError as error:
        yield ListLine(nested.origin, nested.text, error=error)
    except SourceError as error:
        yield ListLine(nested.origin, nested.text, error=BadUrlError(error.message))
