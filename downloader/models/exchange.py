"""One exchange over HTTP as it happened, and who keeps it: what fetching and archives share.

Fetching captures exchanges without knowing what becomes of them; an archive keeps them without
knowing how they came about. Going the other way, an archive can answer in the network's place.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from downloader.web.urls import Url


class Truncation(StrEnum):
    """Why a body was not received to its end: the values of ``WARC-Truncated`` (WARC 1.1, 5.13)."""

    LENGTH = "length"
    TIME = "time"
    DISCONNECT = "disconnect"
    UNSPECIFIED = "unspecified"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and the head of the answer to it.

    Attributes:
        url: what was asked for, without credentials.
        via: the address whose redirect, or the page whose link, led here; or None.
        hops: what led here from a line of the list, as Heritrix writes it: a letter for each step,
            L for a link, E for what a page needs, R for a redirect.
        began: when it was asked, in seconds since the epoch.
        address: the IP address that answered; empty if unknown.
        request: the very bytes that were sent.
        head: the very bytes of the status line and fields, with the empty line after them.
        status: the HTTP status code.
        media_type: the content type without parameters, lower case.
        content_coding: as sent, lower case; empty for identity.
        transfer_coding: as sent, lower case; it has been removed from the body.
    """

    url: Url
    via: Url | None
    hops: str
    began: float
    address: str
    request: bytes
    head: bytes
    status: int
    media_type: str
    content_coding: str
    transfer_coding: str


@dataclass(frozen=True, slots=True)
class RecordLocation:
    """Where an archive has the record of an answer.

    Attributes:
        file: the name of the file, without its folder.
        offset: where the record begins in it, in bytes.
    """

    file: str
    offset: int


class ExchangeRecording(Protocol):
    """Keeps one exchange while its body comes in."""

    async def feed(self, data: bytes) -> None:
        """Take the next bytes of the body, without transfer coding.

        Raises:
            DiskError: the disk refuses.
        """

    async def end(self) -> RecordLocation:
        """Take that the body is whole; return when the exchange is written, and where.

        Raises:
            DiskError: the disk refuses.
        """

    def cut(self, why: Truncation | None) -> None:
        """Take that no more comes, for a reason, or for none when it is whole; do not wait.

        After :meth:`end` this does nothing.
        """

    def drop(self) -> None:
        """Keep nothing of it; after :meth:`end` this does nothing."""


class ExchangeRecorder(Protocol):
    """Keeps exchanges."""

    def begin(self, exchange: Exchange) -> ExchangeRecording | None:
        """Begin to keep one; return None for one that is not to be kept."""


@dataclass(frozen=True, slots=True)
class ArchivedResponse:
    """An answer that an archive holds.

    Attributes:
        status, reason: of the status line.
        version: of HTTP, such as ``(1, 1)``.
        fields: name and value of each header field, as bytes, in order.
        body: the bytes without transfer coding, in pieces; reading blocks.
        close: gives back what reading needs.
        cut: whether it was not received to its end.
        place: where it is held, if that is of use.
    """

    status: int
    reason: str
    version: tuple[int, int]
    fields: tuple[tuple[bytes, bytes], ...]
    body: Iterator[bytes]
    close: Callable[[], None]
    cut: bool
    place: RecordLocation | None = None


class ReplaySource(Protocol):
    """Archives that answer in the network's place."""

    def find(self, url: Url) -> ArchivedResponse | None:
        """Return the answer to a request for *url*, if one is held; this blocks.

        Raises:
            RunError: an archive cannot be read.
        """


class OrphanSource(Protocol):
    """What earlier runs packed, and were stopped before they could note it."""

    def find(self, url: Url, since: float) -> ArchivedResponse | None:
        """Return the latest whole answer to a request for *url* of that time or later.

        *since* is in seconds since the epoch; this blocks.
        """
