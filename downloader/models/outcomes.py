"""What became of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from downloader.errors import ErrorKind
from downloader.web.charset import CharsetSource
from downloader.web.filenames import SafePath


@dataclass(frozen=True, slots=True)
class Sizes:
    """How big one body is.

    Attributes:
        wire: bytes received, before the content coding was undone.
        saved: bytes after that.
        characters: for text, how many; None for anything else.
        charset: the encoding they were counted in, by its WHATWG name.
        charset_source: how that was found.
    """

    wire: int
    saved: int
    characters: int | None = None
    charset: str | None = None
    charset_source: CharsetSource | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """What the last request of one URL waited for, in seconds; None where it did not have to.

    Attributes:
        dns: for the addresses of the host; None as well when they were known.
        connect: for the connection; None when one was used again.
        tls: for encryption to be agreed on.
        first_byte: from when the request could be sent until the head of the answer was there.
        transfer: from then until the body was there, and saved.
    """

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float
    transfer: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """The body came whole and is saved.

    Attributes:
        index: place of its line among all lines, from 0.
        origin: where the line was read, such as ``sites.txt:3``.
        url: the address asked for, without password.
        path: the file, relative to the output folder; empty when nothing was to be saved. Of what
            is packed, the volume.
        final_url: where it was found, after redirects.
        redirects: the addresses that answered with a redirect, in order.
        status: HTTP status of the last answer.
        http_version: such as ``1.1``.
        media_type: the content type without parameters, lower case; empty if none was sent.
        content_coding: such as ``gzip``, as sent; empty for identity.
        sizes: how big the body is.
        length_verified: False when only the end of the connection marked the end of the body.
        etag, last_modified: the validators, as sent; empty if none.
        sha256: of the saved bytes, in hex.
        attempts: how often it was tried.
        resumed_at: bytes that an earlier attempt had left and this one went on from.
        set_aside: a file that was in its place and is not ours, by its new name; or empty.
        started: seconds since the epoch at which the first request was made.
        seconds: how long it took since then, waits and all attempts included.
        parent: the address of the page that it was found on; empty for a line of a list.
        header_bytes: of the head of the last answer, as HTTP/1.1 writes it.
        timings: what the last request waited for, if that was to be found out.
        packed_at: of what is packed, where its record begins in the volume, in bytes; or None.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The server says that what an earlier run saved is still what it has (304).

    Attributes:
        index, origin, url, path, seconds, parent: as in :class:`Downloaded`.
        size: of the file, in bytes.
        characters: for text, how many.
        final_url, redirects, http_version, attempts, started, header_bytes, timings: as in
            :class:`Downloaded`.
        sha256, etag, last_modified: of what was saved, as far as is known.
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
    #: The status that says so, and the bytes of its body.
    status: ClassVar[int] = 304
    wire_bytes: ClassVar[int] = 0


class SkipReason(StrEnum):
    """Why a line was not fetched."""

    DUPLICATE = "duplicate"
    DONE = "done"
    ROBOTS = "robots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing was to be done for this line.

    Attributes:
        index, origin, url, parent: as in :class:`Downloaded`.
        reason: why.
        detail: one line for a person.
        path, size, characters, sha256, etag, last_modified: of what an earlier run saved, as far
            as is known; as in :class:`Unchanged`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The URL could not be fetched, saved or even read.

    Attributes:
        index, origin, parent: as in :class:`Downloaded`.
        url: the address without password, or the line as it stands when it is no address.
        kind: which of the closed set of reasons.
        message: one line for a person.
        hint: what to do about it; may be empty.
        status: the HTTP status, if one was received.
        attempts: how often it was tried.
        seconds: how long it took.
        traceback: for defects of this program, where it happened.
        final_url, redirects: where the last request went, and what had redirected there.
        started: seconds since the epoch at which the first request was made; 0 if none was.
        needed: whether the page that it was found on does not show as it should without it.
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


Outcome = Downloaded | Unchanged | Skipped | Failed
