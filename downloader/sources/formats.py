"""A list in whatever format: found by its name or else by its look, and parsed."""

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from downloader.errors import BadUrlError, SourceError, UrlError
from downloader.parquet import is_parquet
from downloader.sources.entries import ListLine
from downloader.sources.line_reader import GZIP, encoding_of, gunzip, peek, split_lines
from downloader.sources.plain_text import parse_text
from downloader.sources.sitemap import parse_sitemap
from downloader.sources.tabular import parse_json_lines, parse_parquet, parse_table
from downloader.web import urls
from downloader.web.urls import Url

#: Gives the bytes behind a URL (of a sitemap that an index names), piece by piece.
FetchList = Callable[[Url], Iterator[bytes]]

_JSON_LINES = ("jsonl", "ndjson")
_HEADER_ROW = re.compile(r'(?:[\w "-]*[,\t])*"?url"?\s*(?:[,\t]|\Z)')


def parse_list(
    data: Iterator[bytes], shown: str, name: str, fetch_list: FetchList, depth: int = 0
) -> Iterator[ListLine]:
    """Yield the lines of a list, and of the sitemaps that it names.

    Args:
        data: its bytes, perhaps compressed.
        shown: what it is called in origins and messages.
        name: its file name, whose ending tells the format.
        fetch_list: gives the sitemaps that an index names.
        depth: how many indexes led here.

    Raises:
        SourceError: it cannot be read or parsed; what came before was yielded.
    """
    data, head = peek(data)
    if head[:2] == GZIP:
        name = name.lower().removesuffix(".gz")
        data, head = peek(gunzip(data, shown))
        if is_parquet(name, head):
            raise SourceError(f"{shown} is Parquet within gzip", hint="gunzip it first")
    elif is_parquet(name, head):
        yield from _spooled_parquet(data, shown)
        return
    encoding = encoding_of(head)
    if encoding == "utf-8" and b"\0" in head:
        raise SourceError(f"{shown} is binary data, not a list of addresses")
    look = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n").partition("\n")[0].lower()
    kind = name.lower().rpartition(".")[2]
    if kind == "xml" or look.startswith(("<?xml", "<urlset", "<sitemapindex")):
        for line, nested in parse_sitemap(data, shown):
            if nested and line.error is None:
                yield from _nested_sitemap(line.text, line.origin, fetch_list, depth)
            else:
                yield line
    elif kind in ("csv", "tsv"):
        yield from parse_table(split_lines(data, encoding), shown, "," if kind == "csv" else "\t")
    elif kind not in _JSON_LINES and _HEADER_ROW.match(look):
        separator = "\t" if "\t" in look else ","
        yield from parse_table(split_lines(data, encoding), shown, separator)
    elif kind in _JSON_LINES or look.startswith(("{", '"')):
        yield from parse_json_lines(split_lines(data, encoding), shown)
    else:
        yield from parse_text(split_lines(data, encoding), shown)


def _spooled_parquet(data: Iterator[bytes], shown: str) -> Iterator[ListLine]:
    """Yield the rows of a Parquet file that comes through a pipe: its end has to be read first.

    Raises:
        SourceError: it cannot be kept or read.
    """
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        with file:
            for piece in data:
                file.write(piece)
            file.seek(0)
            yield from parse_parquet(file, shown)
    except OSError as error:
        raise SourceError(
            f"cannot keep {shown} in a temporary file: {error.strerror}",
            hint="make room, or set TMPDIR to another folder",
        ) from error


def _nested_sitemap(
    address: str, origin: str, fetch_list: FetchList, depth: int
) -> Iterator[ListLine]:
    """Yield what a sitemap named by an index holds, or the failure to get it."""
    if depth:
        # "Sitemap index files may not list other index files" (sitemaps.org); this ends loops.
        yield ListLine(origin, address, error=BadUrlError("an index inside a sitemap index"))
        return
    try:
        url = urls.parse(address)
        data = fetch_list(url)
        name = PurePosixPath(urls.split(url)[1]).name
        yield from parse_list(data, urls.redact(url), name, fetch_list, depth + 1)
    except UrlError as error:
        yield ListLine(origin, address, error=error)
    except SourceError as error:
        yield ListLine(origin, address, error=BadUrlError(error.message))
