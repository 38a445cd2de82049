"""How a run is made."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from downloader._version import __version__
from downloader.models.shards import Shard

#: The User-Agent sent by default: honest, so that a site's owner can tell who came.
USER_AGENT = f"download/{__version__} (concurrent website downloader)"

#: A volume of a pack is so large, unless another size is given.
PACK_SIZE = 1024**3

#: So many links are followed one after the other, unless another number is given.
LEVEL = 5


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
