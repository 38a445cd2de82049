"""Outcomes of the lines of a list: downloaded, unchanged, skipped or failed.

Reports have most attributes of outcomes; :class:`~downloader.models.url_record.Record` declares
which, and ``to_dict`` returns them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, cast

from downloader.errors import ErrorKind
from downloader.models.extraction import ExtractedPage
from downloader.models.targets import InputLine
from downloader.web.charset import CharsetSource
from downloader.web.filenames import SafePath

if TYPE_CHECKING:
    from downloader.models.url_record import PlainValue


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of one body.

    Attributes:
        wire: bytes received, before the content coding was undone.
        saved: bytes after the content coding was undone.
        characters: the number of characters of a text; None for anything else.
        charset: the encoding of a text, by its WHATWG name.
        charset_source: how the encoding was found.
    """

    wire: int
    saved: int
    characters: int | None = None
    charset: str | None = None
    charset_source: CharsetSource | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """The phases of the last request of one URL, in seconds; None for a phase that it did not need.

    Attributes:
        dns: the lookup of the host's addresses; None when they were known.
        connect: the time to connect; None when a connection was reused.
        tls: the TLS handshake.
        first_byte: from the connection being ready to the end of the response's head.
        transfer: from the end of the head until the body was received and saved.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float
    transfer: float = 0.0


class _Reportable:
    """What all outcomes have in common: the record that reports have of them."""

    __slots__ = ()

    def to_dict(self) -> "dict[str, PlainValue]":
        """Return the record of this outcome, with the names and values of a JSON report.

        The other columns of its line are in ``columns``, if there are any.
        """
        # Imported only now: most runs need no records.
        from downloader.models.outcome_conversion import record_of
        from downloader.models.url_record import plain_dict

        return plain_dict(record_of(cast("Outcome", self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded(_Reportable):
    """The body was received completely and, unless only measured, saved.

    Attributes:
        index: position of its line in all lists, from 0.
        origin: where the line was read, such as ``sites.txt:3``.
        url: the requested address, without password.
        path: the saved file, relative to the output folder; the volume of a packed body; empty
            when nothing is saved.
        final_url: the address that answered, after redirects.
        redirects: the addresses that answered with a redirect, in order.
        status: HTTP status of the last response.
        http_version: such as ``1.1``; or ``2``.
        media_type: the content type without parameters, in lower case; what the first bytes of the
            body say if none was sent.
        content_coding: as sent, such as ``gzip``; empty for identity.
        sizes: of the body.
        length_verified: False when only the end of the connection marked the end of the body.
        etag, last_modified: the validators, as sent; empty if none.
        sha256: of the saved bytes, in hex.
        attempts: the number of attempts.
        resumed_at: bytes kept from an earlier attempt, which this one continued.
        set_aside: the new name of a foreign file that had this path; or empty.
        started: when the first request was made, in seconds since the epoch.
        seconds: from then to the end, waits and all attempts included.
        parent: the address of the page that links to it; empty for a line of a list.
        header_bytes: of the last response's head, as HTTP/1.1 writes it; over HTTP/2, compressed.
        timings: the phases of the last request, if they were measured.
        packed_at: the offset of a packed body's record in its volume, in bytes; else None.
        note: one line about what was wrong with the response and was ignored; may be empty.
        source_line: its line as it was written, if reports need it.
        page_fields: the fields that act like elements of the page, for a mirror; not reported.
        request: the method of the request and a hash of its body; empty for a plain GET.
        title: of a page, if reports need it; or empty.
        page: what was extracted from a page, if that was asked for.
    """

    index: int
    origin: str
    url: str
    path: SafePath
    final_url: str
    redirects: tuple[str, ...]
    status: int
    http_version: str
    media_type: str
    content_coding: str
    sizes: Sizes
    length_verified: bool
    etag: str
    last_modified: str
    sha256: str
    attempts: int
    resumed_at: int
    set_aside: str
    started: float
    seconds: float
    parent: str = ""
    header_bytes: int = 0
    timings: Timings | None = None
    packed_at: int | None = None
    note: str = ""
    page_fields: str = ""
    source_line: InputLine | None = None
    request: str = ""
    title: str = ""
    page: ExtractedPage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged(_Reportable):
    """The server confirmed that the file of an earlier run is up to date (304).

    Attributes:
        index, origin, url, path, seconds, parent, note, source_line, request, page: as in
            :class:`Downloaded`.
        size: of the file, in bytes.
        characters: the number of characters of a text.
        final_url, redirects, http_version, attempts, started, header_bytes, timings: as in
            :class:`Downloaded`.
        sha256, etag, last_modified: of the saved file; empty if not known.
    """

    index: int
    origin: str
    url: str
    path: SafePath
    size: int
    characters: int | None
    seconds: float
    parent: str = ""
    final_url: str = ""
    redirects: tuple[str, ...] = ()
    http_version: str = ""
    attempts: int = 1
    started: float = 0.0
    header_bytes: int = 0
    timings: Timings | None = None
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""
    note: str = ""
    source_line: InputLine | None = None
    request: str = ""
    page: ExtractedPage | None = None
    status: ClassVar[int] = 304
    #: Such a response has no body.
    wire_bytes: ClassVar[int] = 0


class SkipReason(StrEnum):
    """Why nothing was saved for a line, although nothing failed."""

    DUPLICATE = "duplicate"
    DONE = "done"
    ROBOTS = "robots"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(_Reportable):
    """The line needed no transfer, robots.txt disallows it, or a filter leaves its body out.

    Attributes:
        index, origin, url, parent, source_line, request, page: as in :class:`Downloaded`.
        reason: for skipping it.
        detail: one line for a person.
        path, size, characters, sha256, etag, last_modified: of the file of an earlier run, as far
            as known; as in :class:`Unchanged`.
    """

    index: int
    origin: str
    url: str
    reason: SkipReason
    detail: str
    path: SafePath | None = None
    size: int | None = None
    characters: int | None = None
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""
    parent: str = ""
    source_line: InputLine | None = None
    request: str = ""
    page: ExtractedPage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Reportable):
    """The URL could not be parsed, fetched or saved.

    Attributes:
        index, origin, parent, source_line, request: as in :class:`Downloaded`.
        url: the address, without password; the text of a line that is no address.
        kind: of the failure.
        message: one line for a person.
        hint: what to do about it; may be empty.
        status: the HTTP status, if one was received.
        attempts: the number of attempts.
        seconds: from the first request to the end.
        traceback: of an internal error.
        final_url, redirects: the address of the last request, and those that redirected there.
        started: when the first request was made, in seconds since the epoch; 0 if none was made.
        needed: whether the page that links to it needs it to be displayed correctly.
    """

    index: int
    origin: str
    url: str
    kind: ErrorKind
    message: str
    hint: str = ""
    status: int | None = None
    attempts: int = 0
    seconds: float = 0.0
    traceback: str = ""
    parent: str = ""
    final_url: str = ""
    redirects: tuple[str, ...] = ()
    started: float = 0.0
    needed: bool = False
    source_line: InputLine | None = None
    request: str = ""


Outcome = Downloaded | Unchanged | Skipped | Failed
