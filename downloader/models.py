"""The data that flows through the rooms: frozen, slotted and picklable."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from pathlib import Path

from downloader._version import __version__
from downloader.errors import ErrorKind
from downloader.paths import SafePath
from downloader.shards import Shard
from downloader.urls import Url, redact

#: The User-Agent sent by default: honest, so that a site's owner can tell who came.
USER_AGENT = f"download/{__version__} (concurrent website downloader)"

#: A volume of a pack is so large, unless another size is given.
PACK_SIZE = 1024**3

#: So many links are followed one after the other, unless another number is given.
LEVEL = 5


class ExitStatus(IntEnum):
    """What the command's exit status says."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    DISK_FAILED = 3
    INTERRUPTED = 130


class Pack(StrEnum):
    """What bodies are put into, instead of a file for each."""

    WARC = "warc"


class WarcDigest(StrEnum):
    """What the digests in an archive are made with."""

    SHA1 = "sha1"
    SHA256 = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is made; every field has the command's default.

    Attributes:
        output: the folder that files are saved under; created when missing. With *remote* only
            the journal and what is unfinished are there.
        remote: the URL of an object store's prefix that whole files go to instead, or None.
        save: False to measure only, and leave no file and no folder behind.
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
        mirror: save what each page needs as well, and have links lead to what was saved.
        level: follow the links of pages so many steps, or None to follow none; 0: without bound.
            It implies mirror.
        span_hosts: follow links to other hosts, too.
        no_parent: follow no link to what is above the folder of the page that the list names.
        accept: patterns; of what pages refer to only what they match is kept, if there are any.
        reject: patterns; what they match of what pages refer to is not fetched.
        robots: ask robots.txt before a link is followed, and heed nofollow.
        max_urls: fetch no more than so many addresses that pages refer to, or None.
        single_file: make each page one file with all it needs; implies mirror.
        timings: find out what each URL waited for.
        warc: keep every exchange in a WARC file of this name too; its ending (``.warc.gz`` or
            ``.warc``) says whether it is compressed.
        warc_max_size: bytes after which a further file is begun; None for no limit, but with
            pack for 1 GiB.
        warc_digest: what digests in the archive are made with.
        wacz: pack the archive of this run as a WACZ file of this name.
        pack: put bodies into volumes of this format in the folder, instead of a file for each.
        replay: archives that answer in the network's place; none for the network.
        shard: fetch only the lines whose hosts belong to this one of several runs, or None.
    """

    output: Path = Path("downloaded_sites")
    remote: str | None = None
    save: bool = True
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
    mirror: bool = False
    level: int | None = None
    span_hosts: bool = False
    no_parent: bool = False
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    robots: bool = True
    max_urls: int | None = None
    single_file: bool = False
    timings: bool = False
    warc: Path | None = None
    warc_max_size: int | None = None
    warc_digest: WarcDigest = WarcDigest.SHA1
    wacz: Path | None = None
    pack: Pack | None = None
    replay: tuple[Path, ...] = ()
    shard: Shard | None = None

    @property
    def folder(self) -> Path | None:
        """The folder that files are saved under; None if they go to an object store."""
        return self.output if self.remote is None else None

    @property
    def archiving(self) -> bool:
        """Whether an archive of the run is kept."""
        return self.warc is not None or self.wacz is not None or self.pack is not None

    @property
    def archive_size(self) -> int | None:
        """After how many bytes a further file of the archive is begun; None for no limit."""
        return PACK_SIZE if self.pack and self.warc_max_size is None else self.warc_max_size

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
            "level",
            "max_urls",
            "warc_max_size",
        ):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative")
        if self.mirrors and not self.save:
            raise ValueError("a mirror has to be saved")
        if self.pack is not None:
            others = {
                "warc": self.warc is not None,
                "wacz": self.wacz is not None,
                "no save": not self.save,
                "verify": self.verify,
                "a mirror": self.mirrors,
                "replay": bool(self.replay),
            }
            if wrong := [name for name, given in others.items() if given]:
                raise ValueError(f"pack goes with no {' and no '.join(wrong)}")
        if self.mirrors and self.remote is not None:
            raise ValueError("a mirror needs a folder: its files are changed after they are saved")

        if self.warc is not None and not self.warc.name.endswith((".warc", ".warc.gz")):
            raise ValueError("warc must end with .warc.gz, or with .warc for no compression")
        if self.wacz is not None and not self.wacz.name.endswith(".wacz"):
            raise ValueError("wacz must end with .wacz")

    @property
    def mirrors(self) -> bool:
        """Whether pages are mirrored."""
        return self.mirror or self.single_file or self.level is not None


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the decoded body must hash to: an algorithm of :mod:`hashlib`, and lower-case hex."""

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address to fetch: one line of a list, or what a page needs or links to.

    Attributes:
        url: where the request goes; may hold a password, so print :attr:`shown`.
        index: place among all lines, from 0; of what was found, that of the line that led there.
        origin: where it was read, such as ``sites.txt:3``.
        name: the file name the list gives, or None.
        checksum: what the list says the body hashes to, or None.
        headers: sent with this request only.
        parent: the address of the page that it was found on; empty for a line of a list.
        needed: whether that page does not show as it should without it.
        optional: whether nothing is amiss when the server does not have it.
        root: the address of the line that led there; None for the line itself.
            Secrets that the user gave belong to its origin alone.
        depth: so many links lead from a line of the list to the page that it is, or is part of.
        nesting: how deeply it is part of that page; 0 if it is the page.
        hops: so many redirects, since it was found.
        delay: seconds that its site wants between two requests.
    """

    url: Url
    index: int = 0
    origin: str = ""
    name: str | None = None
    checksum: Checksum | None = None
    headers: tuple[tuple[str, str], ...] = ()
    parent: str = ""
    needed: bool = False
    optional: bool = False
    root: Url | None = None
    depth: int = 0
    nesting: int = 0
    hops: int = 0
    delay: float = 0.0

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


class SkipReason(Enum):
    """Why a line was not fetched."""

    DUPLICATE = "duplicate"
    DONE = "done"
    ROBOTS = "robots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing was to be done for this line.

    Attributes:
        index, origin, url: as in :class:`Downloaded`.
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
