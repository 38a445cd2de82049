"""The data that flows through the rooms: frozen, slotted and picklable."""

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


class WarcDigest(StrEnum):
    """What the digests in an archive are made with."""

    SHA1 = "sha1"
    SHA256 = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is made; every field has the command's default.

    Attributes:
        output: the folder that files are saved under; created when missing.
        force: fetch again what is done already.
        refresh: ask the server whether what is done has changed (RFC 9110, section 13).
        verify: hash what is done again, instead of comparing sizes alone.
        server_timestamps: give files the time of ``Last-Modified``.
        concurrency: how many URLs are fetched at once; None to find out what is best.
        processes: how many processes share the hosts out among them.
        per_host: how many URLs of one host are fetched at once.
        delay: seconds between two requests to one host.
        limit_rate: bytes per second that all transfers together may receive; none with 0 or None.
        connect_timeout: seconds for name resolution, connection and TLS together.
        read_timeout: seconds without a byte after which a transfer has stalled.
        timeout: seconds for one whole URL, retries and waits included, or None.
        retries: how often a failure that may pass is tried again.
        min_speed: bytes per second below which a transfer is given up, or None.
        max_size: bytes, decoded, above which a body is refused, or None.
        max_redirects: how many redirects of one URL are followed.
        headers: sent with every request, as (name, value).
        user_agent: the User-Agent header.
        cookies: a file of cookies in Netscape's format.
        netrc: take user and password from ``~/.netrc`` or the file that ``NETRC`` names.
        cacert: a PEM file of certificate authorities to trust instead of the system's.
        insecure: accept any TLS certificate.
        block_private: refuse addresses that are not of the public internet, at every hop.
        warc: keep every exchange in a WARC file of this name too; its ending (``.warc.gz`` or
            ``.warc``) says whether it is compressed.
        warc_max_size: bytes after which a further file is begun, or None.
        warc_digest: what digests in the archive are made with.
        wacz: pack the archive of this run as a WACZ file of this name.
        replay: archives that answer in the network's place; none for the network.
    """

    output: Path = Path("downloaded_sites")
    force: bool = False
    refresh: bool = False
    verify: bool = False
    server_timestamps: bool = True
    concurrency: int | None = None
    processes: int = 1
    per_host: int = 6
    delay: float = 0.0
    limit_rate: int | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    timeout: float | None = None
    retries: int = 3
    min_speed: int | None = None
    max_size: int | None = None
    max_redirects: int = 20
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str = USER_AGENT
    cookies: Path | None = None
    netrc: bool = False
    cacert: Path | None = None
    insecure: bool = False
    block_private: bool = False
    warc: Path | None = None
    warc_max_size: int | None = None
    warc_digest: WarcDigest = WarcDigest.SHA1
    wacz: Path | None = None
    replay: tuple[Path, ...] = ()

    @property
    def archiving(self) -> bool:
        """Whether an archive of the run is kept."""
        return self.warc is not None or self.wacz is not None

    def __post_init__(self) -> None:
        """Check ranges, so that a mistake is an error here and not a hang later.

        Raises:
            ValueError: a number is out of range.
        """
        for name in ("concurrency", "processes", "per_host"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in ("connect_timeout", "read_timeout", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be more than 0")
        for name in (
            "max_redirects",
            "retries",
            "min_speed",
            "max_size",
            "delay",
            "limit_rate",
            "warc_max_size",
        ):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative")
        if self.warc is not None and not self.warc.name.endswith((".warc", ".warc.gz")):
            raise ValueError("warc must end with .warc.gz, or with .warc for no compression")
        if self.wacz is not None and not self.wacz.name.endswith(".wacz"):
            raise ValueError("wacz must end with .wacz")


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
        sha256: of the saved bytes, in hex.
        attempts: how often it was tried.
        resumed_at: bytes that an earlier attempt had left and this one went on from.
        set_aside: a file that was in its place and is not ours, by its new name; or empty.
        started: seconds since the epoch at which the request was made.
        seconds: how long it took, waits and earlier attempts included.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The server says that what an earlier run saved is still what it has (304).

    Attributes:
        index, origin, url, path, seconds: as in :class:`Downloaded`.
        size: of the file, in bytes.
        characters: for text, how many.
    """

    index: int
    origin: str
    url: str
    path: SafePath
    size: int
    characters: int | None
    seconds: float


class SkipReason(Enum):
    """Why a line was not fetched."""

    DUPLICATE = "duplicate"
    DONE = "done"


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
        attempts: how often it was tried.
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
    attempts: int = 0
    seconds: float = 0.0
    traceback: str = ""


Outcome = Downloaded | Unchanged | Skipped | Failed


@dataclass(frozen=True, slots=True)
class InFlight:
    """One URL that is being fetched now.

    Attributes:
        url: the address without password.
        seconds: how long it has been going on.
        received: bytes of the body over the wire so far.
    """

    url: str
    seconds: float
    received: int


@dataclass(slots=True)
class Tally:
    """Counts over the outcomes of a run; the one mutable summary of it.

    Attributes:
        downloaded, unchanged, skipped, failed: lines with that outcome.
        saved: bytes of the bodies saved.
        kinds: failures by kind.
    """

    downloaded: int = 0
    unchanged: int = 0
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
            case Unchanged():
                self.unchanged += 1
            case Skipped():
                self.skipped += 1
            case Failed():
                self.failed += 1
                self.kinds[outcome.kind] = self.kinds.get(outcome.kind, 0) + 1

    @property
    def total(self) -> int:
        """Lines that have an outcome."""
        return self.downloaded + self.unchanged + self.skipped + self.failed
