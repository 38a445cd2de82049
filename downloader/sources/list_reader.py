"""Reads lists in any format, and the lists on the network that they name."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

from downloader.errors import BadUrlError, BlockedError, SourceError, UrlError
from downloader.sources.entries import ListLine
from downloader.sources.formats import HTML, TEXT, ListFormat, detect_format, format_names
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
from downloader.sources.url_column import is_address
from downloader.web import urls
from downloader.web.urls import Url

#: How often a list may be compressed: servers send a ``.gz`` with ``Content-Encoding: gzip``.
_MAX_COMPRESSIONS = 2
#: Lists that lead to a list, one by another. sitemaps.org knows one level; sites have two.
_MAX_NESTING = 5
#: Lists on the network that are read in a run; the largest sites have some 70,000 sitemaps.
_MAX_FETCHED_LISTS = 200_000
_GIVE_ADDRESS = "if the site has a sitemap elsewhere, give its address to --sitemap"


class ListReader:
    """Reads lists, and those that they name; each address once.

    Args:
        fetch_list: returns the bytes of lists on the network.
        settings: how lists are read.
    """

    def __init__(self, fetch_list: FetchList, settings: ListSettings = DEFAULT_SETTINGS) -> None:
        self._fetch_list = fetch_list
        self._settings = settings
        #: Hashes of the URLs of the lists that have been fetched.
        self._fetched: set[int] = set()

    def lines(
        self,
        chunks: Iterator[bytes],
        label: str,
        name: str,
        *,
        file: BinaryIO | None = None,
        is_typed: bool = False,
    ) -> Iterator[ListLine]:
        """Yield the lines of a list in any format, and of the lists that it names.

        Args:
            chunks: its bytes, perhaps gzipped.
            label: what it is called in origins and messages.
            name: its file name, whose extension may tell the format.
            file: what *chunks* come from, if that is seekable.
            is_typed: whether somebody types it at a terminal.

        Raises:
            SourceError: it cannot be read or parsed; the lines before the error were yielded.
        """
        source, list_format = self._recognise(chunks, label, name, file)
        source = replace(source, is_typed=is_typed, base_url=self._settings.base_url)
        for line in list_format.parse(source):
            if isinstance(line, NestedList):
                yield from self._nested_lines(line, None, 1)
            else:
                yield line

    def site_lines(self, site: Url) -> Iterator[ListLine]:
        """Yield the lines of a sitemap or feed on the network.

        Args:
            site: its address; or that of a site, whose robots.txt names its sitemaps.
        """
        if urls.split(site)[1:] != ("/", ""):
            yield from self._nested_lines(NestedList("--sitemap", site), site, 0)
            return
        named = False
        try:
            for nested in self._sitemaps_of_robots(urls.join(site, "/robots.txt"), site):
                named = True
                yield from self._nested_lines(nested, site, 1)
        except UrlError:
            # Without robots.txt, the usual address is tried, and its failure is reported.
            pass
        if not named:
            usual = NestedList("--sitemap", urls.join(site, "/sitemap.xml"))
            for line in self._nested_lines(usual, site, 1):
                if line.error is not None and line.text == usual.text:
                    line.error.hint = line.error.hint or _GIVE_ADDRESS
                yield line

    def _sitemaps_of_robots(self, robots: Url, home: Url) -> Iterator[NestedList]:
        """Yield the sitemaps that a robots.txt names (sitemaps.org, "Informing search engines").

        Raises:
            UrlError: it cannot be fetched.
        """
        chunks, data = peek(self._fetch_list(robots, home))
        encoding = detect_encoding(data)
        source = ListInput(
            urls.redact(robots), chunks, encoding, ends_with_cr=ends_with_cr(data, encoding)
        )
        for number, text, complete in source.lines():
            field, colon, value = text.partition(":")
            address = value.partition("#")[0].strip()
            if colon and complete and address and field.strip().lower() == "sitemap":
                yield NestedList(f"{source.label}:{number}", _joined(robots, address))

    def _recognise(
        self, chunks: Iterator[bytes], label: str, name: str, file: BinaryIO | None
    ) -> tuple[ListInput, ListFormat]:
        """Return a list, uncompressed, and its format.

        Raises:
            SourceError: it is no list.
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
            has_columns=self._settings.url_column is not None,
        )
        if list_format.is_binary and compressions:
            raise SourceError(f"{label} is {list_format.name} within gzip", hint="gunzip it first")
        if not list_format.is_binary and encoding == "utf-8" and is_binary(data):
            raise SourceError(
                f"{label} is binary data, not a list of addresses",
                hint=f"a list is {format_names()}",
            )
        source = ListInput(
            label,
            chunks,
            encoding,
            None if compressions else file,
            ends_with_cr=ends_with_cr(data, encoding),
            settings=self._settings,
        )
        return source, list_format

    def _nested_lines(
        self, nested: NestedList, home: Url | None, nesting: int
    ) -> Iterator[ListLine]:
        """Yield the lines of a list on the network, or the failure to fetch it.

        Args:
            nested: the list.
            home: the URL that the user named, and that led to the list; None for itself.
            nesting: how many lists led to it.
        """
        try:
            url = urls.parse(nested.text, zones=home is None)
            if nesting > _MAX_NESTING:
                raise BadUrlError("sitemap indexes are nested too deeply")
            if hash(url) in self._fetched:
                # Indexes that name each other would never end.
                return
            if len(self._fetched) >= _MAX_FETCHED_LISTS:
                raise BadUrlError(f"only {_MAX_FETCHED_LISTS:,} sitemaps are read")
            self._fetched.add(hash(url))
            yield from self._fetched_lines(url, home or url, nesting)
        except UrlError as error:
            yield ListLine(nested.origin, nested.text, error=error)
        except SourceError as error:
            message = error.message.removeprefix(f"{urls.redact(url)} ")
            failure = BadUrlError(message, hint=error.hint)
            yield ListLine(nested.origin, nested.text, error=failure)

    def _fetched_lines(self, url: Url, home: Url, nesting: int) -> Iterator[ListLine]:
        """Yield the lines of a list on the network.

        Raises:
            UrlError: it cannot be fetched.
            SourceError: it cannot be parsed; the lines before the error were yielded.
        """
        chunks = self._fetch_list(url, home)
        name = PurePosixPath(urls.split(url)[1]).name
        source, list_format = self._recognise(chunks, urls.redact(url), name, None)
        lines = list_format.parse(_checked(replace(source, base_url=url), list_format))
        for line in lines:
            if isinstance(line, NestedList):
                yield from self._nested_lines(line, home, nesting + 1)
                continue
            line.home = home
            _refuse_own_request(line)
            if self._settings.one_site:
                _check_site(line, home)
            yield line


def _checked(source: ListInput, list_format: ListFormat) -> ListInput:
    """Return a list that was fetched, unless it is the page or the text of an error.

    Raises:
        SourceError: it is one.
    """
    problem = SourceError(
        f"{source.label} is neither a sitemap nor a feed", hint="it is a web page or a text"
    )
    if list_format is HTML:
        raise problem
    if list_format is not TEXT:
        return source
    chunks, data = peek(source.chunks)
    if not is_address(first_lines(data, source.encoding)):
        raise problem
    return replace(source, chunks=chunks)


def _refuse_own_request(line: ListLine) -> None:
    """Fail a line of a list on the network that says how its URL is requested.

    Nobody but the user decides that something is deleted, or which headers an internal site gets.
    """
    if line.method is not None or line.body is not None or line.headers:
        line.error = line.error or BlockedError(
            "a list on the network sets the method, the headers or the body of a request",
            hint="save the list, look at it, and name the file",
        )


def _check_site(line: ListLine, home: Url) -> None:
    """Fail a line whose URL is not of the site that the user named."""
    try:
        is_same = urls.origin(urls.parse(line.text)) == urls.origin(home)
    except BadUrlError:
        return
    if not is_same:
        line.error = BlockedError(
            "the sitemap is of another site",
            hint="leave out --data, or the password, or the mirror options",
        )


def _joined(base: Url, reference: str) -> str:
    try:
        return urls.join(base, reference)
    except BadUrlError:
        return reference
