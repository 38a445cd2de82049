"""HTTP exchanges as captured bytes, and the protocols by which they are recorded and replayed.

``downloader.http`` captures exchanges and ``downloader.archive`` stores them; neither imports the
other. In replay, an archive supplies responses instead of the network.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from downloader.web.urls import Url


class Truncation(StrEnum):
    """Why a body is incomplete: the values of ``WARC-Truncated`` (WARC 1.1, section 5.13)."""

    LENGTH = "length"
    TIME = "time"
    DISCONNECT = "disconnect"
    UNSPECIFIED = "unspecified"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and the head of its response.

    Attributes:
        url: the URL requested, without credentials.
        via: the URL of the redirect or page that led here; None for a URL of the list.
        hops_from_seed: the path from the URL of the list, in Heritrix's notation: one letter a
            step, L for a link, E for a page requisite (embed), R for a redirect.
        started_at: when the request was sent, in seconds since the epoch.
        ip_address: the server's IP address; empty if unknown.
        request: the bytes sent.
        head: the bytes of the status line and header fields, with the empty line that ends them.
        protocol: ``h2`` if request and head were converted from HTTP/2; otherwise empty.
        status: the HTTP status code.
        media_type: the content type without parameters, lower case.
        content_coding: ``Content-Encoding`` as received, lower case; empty for identity.
        transfer_coding: ``Transfer-Encoding`` as received, lower case; the recorded body is
            without it.
        method: of the request.
    """

    url: Url
    via: Url | None
    hops_from_seed: str
    started_at: float
    ip_address: str
    request: bytes
    head: bytes
    protocol: str
    status: int
    media_type: str
    content_coding: str
    transfer_coding: str
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class RecordLocation:
    """The position of a response record in an archive.

    Attributes:
        file: the name of the WARC file, without its folder.
        offset: where the record begins in the file, in bytes.
    """

    file: str
    offset: int


class ExchangeRecording(Protocol):
    """The recording of one exchange while its body arrives."""

    async def feed(self, data: bytes) -> None:
        """Append bytes of the body, without transfer coding.

        Raises:
            DiskError: the archive cannot be written.
        """

    async def finish(self) -> RecordLocation:
        """Mark the body complete; return the record's location once it is written.

        Raises:
            DiskError: the archive cannot be written.
        """

    def finish_nowait(self, truncation: Truncation | None) -> None:
        """End the recording without waiting for the write; None marks the body complete.

        It does nothing after :meth:`finish`.
        """

    def discard(self) -> None:
        """Record nothing of this exchange; it does nothing after :meth:`finish`."""


class ExchangeRecorder(Protocol):
    """Records exchanges."""

    def begin(self, exchange: Exchange) -> ExchangeRecording | None:
        """Start the recording of an exchange; return None if it is not to be recorded."""


@dataclass(frozen=True, slots=True)
class ArchivedResponse:
    """A response read from an archive.

    Attributes:
        status, reason: from the status line.
        version: the HTTP version, such as ``(1, 1)``.
        fields: name and value of each header field, as bytes, in order.
        body: the bytes without transfer coding, in pieces; reading blocks.
        close: releases the files that reading needs.
        truncated: whether the archive holds only the beginning of the body.
        location: where the record is, when its location is to be kept in the journal.
    """

    status: int
    reason: str
    version: tuple[int, int]
    fields: tuple[tuple[bytes, bytes], ...]
    body: Iterator[bytes]
    close: Callable[[], None]
    truncated: bool
    location: RecordLocation | None = None


class ReplaySource(Protocol):
    """Archives that supply responses instead of the network."""

    def find(self, url: Url) -> ArchivedResponse | None:
        """Return the archived response for *url*, or None; this blocks.

        Raises:
            RunError: an archive cannot be read.
        """


class OrphanSource(Protocol):
    """Responses that killed runs stored in pack volumes before the journal knew of them."""

    def find(self, url: Url, since: float) -> ArchivedResponse | None:
        """Return the latest complete response for *url* captured at *since* or later, or None.

        *since* is in seconds since the epoch; this blocks.
        """
