"""The input of the parsers of list formats, and nested lists, which they yield besides lines."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Self

from downloader.errors import BadUrlError, SourceError
from downloader.models import Options, Request
from downloader.sources.text_lines import NumberedLine, split_lines
from downloader.web import urls
from downloader.web.urls import Url

#: Returns the body of a URL, as chunks, for lists on the network. Credentials are sent only to the
#: origin of the second URL, which the user named.
FetchList = Callable[[Url, Url], Iterator[bytes]]


#: An address with a scheme, or with a host that needs none to be known as one.
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|www\.", re.IGNORECASE)


def _ignore(_note: str) -> None:
    """Ignore what the user would be told."""


@dataclass(frozen=True, slots=True)
class ListSettings:
    """How lists are read, whatever their format.

    Attributes:
        url_column: the name, or the number from 1, of the column of addresses; None to find it.
        sitemaps: sites and addresses of sitemaps, whose pages are read after all other lists.
        base_url: the URL that relative addresses of files refer to, or None.
        one_site: whether a list on the network may name URLs of its own site alone.
        keeps_input: whether outcomes keep their lines as written, with their columns.
        keep_columns: the names of the columns that they keep; None for all.
        note: tells the user what was decided about a list; called from the reading thread.
        request: for lines that name neither method nor body; None for a GET.
        takes_names: whether a column ``name`` names files.
    """

    url_column: str | None = None
    sitemaps: tuple[Url, ...] = ()
    base_url: Url | None = None
    one_site: bool = False
    keeps_input: bool = False
    keep_columns: tuple[str, ...] | None = None
    note: Callable[[str], None] = _ignore
    request: Request | None = None
    takes_names: bool = True

    @classmethod
    def of(cls, options: Options, note: Callable[[str], None]) -> Self:
        """Return the settings of a run."""
        return cls(
            options.url_column,
            tuple(map(urls.parse, options.sitemap)),
            urls.parse(options.base) if options.base else None,
            # Another site must not get the user's body, nor its pages lead to requests with the
            # user's secrets.
            one_site=options.body is not None or (options.mirrors and options.has_credentials),
            keeps_input=options.keep_input or bool(options.template_columns),
            keep_columns=_kept_columns(options),
            note=note,
            request=options.request,
            # A template says how files are named, and may use that column.
            takes_names=options.name_template is None,
        )


DEFAULT_SETTINGS = ListSettings()


def _kept_columns(options: Options) -> tuple[str, ...] | None:
    """Return the columns that reports or names of files need; None for all."""
    if not options.template_columns:
        return options.keep_columns
    if not options.keep_input:
        return options.template_columns
    if options.keep_columns is None:
        return None
    return tuple(dict.fromkeys((*options.keep_columns, *options.template_columns)))


@dataclass(frozen=True, slots=True)
class ListInput:
    """A list, as its parser gets it.

    Attributes:
        label: what the list is called in origins and messages.
        chunks: its bytes, uncompressed.
        encoding: of its text.
        file: the file itself if it is seekable and not compressed, else None.
        ends_with_cr: whether its lines end with a carriage return alone.
        is_typed: whether somebody types it at a terminal, and waits for each line to be fetched.
        base_url: the URL that its relative addresses refer to, or None.
        settings: how lists are read.
    """

    label: str
    chunks: Iterator[bytes]
    encoding: str
    file: BinaryIO | None = None
    ends_with_cr: bool = False
    is_typed: bool = False
    base_url: Url | None = None
    settings: ListSettings = DEFAULT_SETTINGS

    def lines(self) -> Iterator[NumberedLine]:
        """Yield the numbered lines of a text."""
        return split_lines(self.chunks, self.encoding, ends_with_cr=self.ends_with_cr)

    def table_lines(self) -> Iterator[NumberedLine]:
        """Yield the numbered lines of a table; spreadsheets do not always write UTF-8."""
        found: list[str] = []

        def decode(line: bytes) -> str:
            if not found:
                # Imported late: few tables need it.
                from downloader.web.charset import detect_encoding

                found.append(detect_encoding(line))
                self.settings.note(f"{self.label} is not in UTF-8; it is read as {found[0]}")
            return line.decode(found[0], "replace")

        return split_lines(
            self.chunks, self.encoding, ends_with_cr=self.ends_with_cr, on_undecodable=decode
        )

    def resolve(self, reference: str) -> str:
        """Return the address that *reference* stands for, if the list has a base URL.

        Addresses without a scheme that begin with a host's name stay as they are.
        """
        base = self.base_url
        if base is None or _ABSOLUTE.match(reference) or reference.startswith(urls.hostname(base)):
            return reference
        try:
            return urls.join(base, reference)
        except BadUrlError:
            return reference

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """Provide the list as a file for random access; a stream is copied to a temporary file.

        Raises:
            SourceError: the temporary file cannot be written.
        """
        if self.file is not None:
            self.file.seek(0)
            yield self.file
            return
        # Imported late: only lists for random access that come through a pipe need it.
        import tempfile

        try:
            with tempfile.TemporaryFile() as file:
                for chunk in self.chunks:
                    file.write(chunk)
                file.seek(0)
                yield file
        except OSError as error:
            raise SourceError(
                f"cannot keep {self.label} in a temporary file: {error.strerror}",
                hint="make room, or set TMPDIR to another folder",
            ) from error


@dataclass(frozen=True, slots=True)
class NestedList:
    """Another list that a list names, such as a sitemap in a sitemap index.

    Attributes:
        origin: where it is named.
        text: its URL, as written.
    """

    origin: str
    text: str
