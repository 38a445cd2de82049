"""The data that flows through the rooms: frozen, slotted and picklable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from pathlib import Path

from downloader._version import __version__
from downloader.errors import ErrorKind
from downloader.paths import SafePath
from downloader.urls import Url, redact

#: The User-Agent sent by default: honest, so that a site's owner can tell who came.
USER_AGENT = f"download/{__version__} (concurrent website downloader)"


class ExitStatus(IntEnum):
    """What the command's exit status says."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    DISK_FAILED = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is made; every field has the command's default.

    Attributes:
        output: the folder that files are saved under; created when missing.
        concurrency: how many URLs are fetched at once.
        connect_timeout: seconds for name resolution, connection and TLS together.
        read_timeout: seconds without a byte after which a transfer has stalled.
        timeout: seconds for one whole URL, or None.
        max_redirects: how many redirects of one URL are followed.
        headers: sent with every request, as (name, value).
        user_agent: the User-Agent header.
        cacert: a PEM file of certificate authorities to trust instead of the system's.
        insecure: accept any TLS certificate.
    """

    output: Path = Path("downloaded_sites")
    concurrency: int = 64
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    timeout: float | None = None
    max_redirects: int = 20
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str = USER_AGENT
    cacert: Path | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        """Check ranges, so that a mistake is an error here and not a hang later.

        Raises:
            ValueError: a number is out of range.
        """
        if self.concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        for name in ("connect_timeout", "read_timeout", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be more than 0")
        if self.max_redirects < 0:
            raise ValueError("max_redirects must not be negative")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the decoded body must hash to: an algorithm of :mod:`hashlib`, and lower-case hex."""

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One line of a list: an address to fetch.

    Attributes:
        url: where the request goes; may hold a password, so print :attr:`shown`.
        index: place among all lines, from 0.
        origin: where it was read, such as ``sites.txt:3``.
        name: the file name the list gives, or None.
        checksum: what the list says the body hashes to, or None.
        headers: sent with this request only.
    """

    url: Url
    index: int = 0
    origin: str = ""
    name: str | None = None
    checksum: Checksum | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        """The address without its password."""
        return redact(self.url)


class CharsetSource(StrEnum):
    """How the character encoding of a text was found."""

    BOM = "bom"
    HEADER = "header"
    META = "meta"
    UTF8 = "valid-utf-8"
    DETECTED = "detected"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """The body came whole and is saved.

    Attributes:
        index: place of its line among all lines, from 0.
        origin: where the line was read, such as ``sites.txt:3``.
        url: the address asked for, without password.
        path: the file, relative to the output folder.
        final_url: where it was found, after redirects.
        redirects: the addresses that answered with a redirect, in order.
        status: HTTP status of the last answer.
        http_version: such as ``1.1``.
        media_type: the content type without parameters, lower case; empty if none was sent.
        content_coding: such as ``gzip``, as sent; empty for identity.
        sizes: how big the body is.
        length_verified: False when only the end of the connection marked the end of the body.
        etag, last_modified: the validators, as sent; empty if none.
        started: seconds since the epoch at which the request was made.
        seconds: how long it took.
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
    started: float
    seconds: float


class SkipReason(Enum):
    """Why a line was not fetched."""

    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing was to be done for this line.

    Attributes:
        index, origin, url: as in :class:`Downloaded`.
        reason: why.
        detail: one line for a person.
    """

    index: int
    origin: str
    url: str
    reason: SkipReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The URL could not be fetched, saved or even read.

    Attributes:
        index, origin: as in :class:`Downloaded`.
        url: the address without password, or the line as it stands when it is no address.
        kind: which of the closed set of reasons.
        message: one line for a person.
        hint: what to do about it; may be empty.
        status: the HTTP status, if one was received.
        seconds: how long it took.
        traceback: for defects of this program, where it happened.
    """

    index: int
    origin: str
    url: str
    kind: ErrorKind
    message: str
    hint: str = ""
    status: int | None = None
    seconds: float = 0.0
    traceback: str = ""


Outcome = Downloaded | Skipped | Failed


@dataclass(slots=True)
class Tally:
    """Counts over the outcomes of a run; the one mutable summary of it.

    Attributes:
        downloaded, skipped, failed: lines with that outcome.
        saved: bytes of the bodies saved.
        kinds: failures by kind.
    """

    downloaded: int = 0
    skipped: int = 0
    failed: int = 0
    saved: int = 0
    kinds: dict[ErrorKind, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        match outcome:
            case Downloaded():
                self.downloaded += 1
                self.saved += outcome.sizes.saved
            case Skipped():
                self.skipped += 1
            case Failed():
                self.failed += 1
                self.kinds[outcome.kind] = self.kinds.get(outcome.kind, 0) + 1

    @property
    def total(self) -> int:
        """Lines that have an outcome."""
        return self.downloaded + self.skipped + self.failed


#: HTTP header fields by lower-case name; of repeated fields the values are joined by a comma.
Headers = Mapping[str, str]
