"""The options of a run, in groups: each consumer takes the narrowest group that it needs.

``Options`` inherits every group, so that users give all options to one flat constructor. A group
checks its own fields; what concerns two groups is checked by the first class that has both.
Only ``Options`` is instantiated, so only it has generated methods: they take time at each start.

    Options
    ├── TransferOptions        fetching and saving, without the list and the mirror
    │   ├── StorageOptions         OutputOptions, NamingOptions, ArchiveOptions
    │   ├── RequestOptions         NetworkOptions, PolitenessOptions
    │   └── FilterOptions
    ├── MirrorOptions
    └── ListOptions
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from downloader._version import __version__
from downloader.errors import BadUrlError
from downloader.models.naming_options import NamingOptions
from downloader.models.option_group import OptionGroup
from downloader.models.requests import Request
from downloader.models.shards import Shard
from downloader.web import urls
from downloader.web.media_type_filter import MediaTypeFilter
from downloader.web.proxies import parse_proxy

#: The User-Agent sent by default: honest, so that the owner of a site can identify this program.
#: Its product token is the name of the distribution. With "download", rules of robots.txt for
#: "Download Ninja" and others would count.
USER_AGENT = f"download-sites/{__version__} (concurrent website downloader)"

#: Queries of one path that are followed, unless another number is given. Forums and wikis have
#: thousands; what has more is more often a combination of filters.
DEFAULT_MAX_QUERIES = 10_000

#: The size of a volume of a pack, unless another is given.
DEFAULT_PACK_BYTES = 1024**3

#: The largest sample of a list, whose lines are held in memory.
MAX_SAMPLE_LINES = 1_000_000

#: The number of links followed from a page of the list, unless another is given.
DEFAULT_LEVEL = 5


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """The addresses of a host at one port, in place of those that name servers give.

    Attributes:
        host: its name in lower case, or ``*`` for every host.
        port: the port that URLs name, or that of their scheme.
        addresses: IP addresses, IPv6 without brackets; they are tried in turn.
    """

    host: str
    port: int
    addresses: tuple[str, ...]


class Pack(StrEnum):
    """Container formats that bodies can be saved in, instead of one file each."""

    WARC = "warc"


class WarcDigest(StrEnum):
    """Hash algorithms for the digests in an archive."""

    SHA1 = "sha1"
    SHA256 = "sha256"


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class OutputOptions(OptionGroup):
    """The output folder, and the treatment of files that an earlier run saved.

    Attributes:
        output: the folder that files are saved under; created when missing. With *remote* it holds
            only the journal and unfinished files.
        remote: the URL of an object store's prefix that whole files go to instead, or None.
        save: False to measure only, and leave no file and no folder behind.
        force: fetch again what an earlier run has saved.
        refresh: ask the server whether saved files have changed (RFC 9110, section 13).
        verify: hash saved files again, instead of comparing sizes alone.
        server_timestamps: give files the time of ``Last-Modified``.
        file: the name that the only URL is saved under in *output*, as it is; an older file is
            replaced, and there is no journal.
        stream: a pipe or device that the body of the only URL is written to, once it is whole;
            ``-`` for standard output. Nothing is saved then.
    """

    output: Path = Path("downloaded_sites")
    remote: str | None = None
    save: bool = True
    force: bool = False
    refresh: bool = False
    verify: bool = False
    server_timestamps: bool = True
    file: str | None = None
    stream: Path | None = None

    @property
    def only_name(self) -> str | None:
        """The name of the only URL's file or stream; None if names are decided for each URL."""
        return self.file if self.stream is None else self.stream.name

    @property
    def journal_folder(self) -> Path | None:
        """The folder with the journal; None if nothing is to outlive the run but one body."""
        return self.output if self.save and self.only_name is None else None

    @property
    def folder(self) -> Path | None:
        """The folder that files are saved under; None if they go to an object store."""
        return self.output if self.remote is None else None


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class NetworkOptions(OptionGroup):
    """How one URL is requested, and when its transfer is given up.

    Attributes:
        connect_timeout: seconds for name resolution, connection and TLS together.
        read_timeout: seconds without a byte after which a transfer has stalled.
        timeout: seconds for one whole URL, retries and waits included, or None.
        retries: how often a transient failure is retried.
        retry_all: retry requests, too, that another attempt would make twice, such as a POST whose
            body was sent.
        min_speed: bytes per second below which a transfer is given up; 0 for no limit; None for a
            limit that ends only drips.
        max_size: bytes, decoded, above which a body is refused, or None.
        max_redirects: how many redirects of one URL are followed.
        headers: sent with every request, as (name, value).
        method: the method of requests for lines of the list that have none of their own; None for
            GET, or POST with a body.
        body: the body of those requests, or None.
        user_agent: the User-Agent header.
        referer: the URL that requests for lines of the list name as their Referer, or None.
        send_referer: name the page that led to a URL, in a mirror.
        http_proxy: the URL of the proxy for ``http://`` URLs, or None; variables of the environment
            are read by the command only.
        https_proxy: the same for ``https://`` URLs.
        no_proxy: hosts that are requested without a proxy, separated by commas.
        accept_cookies: send the cookies that servers set with later requests (RFC 6265).
        cookies: a file of cookies in Netscape's format.
        cookies_from_browser: ``firefox``, or ``firefox:`` and the name or the folder of a profile,
            whose cookies are read; or None.
        save_cookies: write the cookies of the run to this file at its end, in Netscape's format.
        netrc: take user and password from ``~/.netrc`` or the file that ``NETRC`` names.
        user: name and password for the origin of each URL of the list; those of a URL go before.
        bearer: a token for the origin of each URL of the list, sent as ``Authorization: Bearer``.
        digest: send passwords only in answer to a Digest challenge (RFC 7616), never as they are.
        cacert: a PEM file of certificate authorities to trust instead of the system's.
        insecure: accept any TLS certificate.
        cert: a PEM file with a client certificate, for the servers of the URLs of the list; it may
            also hold the private key.
        key: a PEM file with the private key, or None if that is in *cert*.
        cert_password: the password of an encrypted private key.
        tls_min: the lowest version of TLS, ``1.0`` to ``1.3``; None for 1.2.
        ciphers: those of TLS 1.2 and older, as OpenSSL writes them; None for its default.
        resolve: addresses of hosts that are not looked up.
        ip_version: 4 or 6 to use only addresses of this version, or None.
        interface: connect from this network interface or address, or None for the system's choice.
        dns_servers: addresses of name servers to ask instead of the system's; with a port behind a
            colon, if it is not 53. They need the extra ``dns``.
        block_private: refuse addresses that are not of the public internet, for every request.
        timings: measure the phases of each URL's last request.
        compressed: ask for compressed bodies; without it, for identity. What a server compresses
            all the same is decoded as ever.
        http1_only: never use HTTP/2.
        http2_prior_knowledge: use HTTP/2 without TLS, too, and without asking whether the server
            takes it.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    timeout: float | None = None
    retries: int = 3
    retry_all: bool = False
    min_speed: int | None = None
    max_size: int | None = None
    max_redirects: int = 20
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    method: str | None = None
    body: bytes | None = field(default=None, repr=False)
    user_agent: str = USER_AGENT
    referer: str | None = field(default=None, repr=False)
    send_referer: bool = True
    http_proxy: str | None = field(default=None, repr=False)
    https_proxy: str | None = field(default=None, repr=False)
    no_proxy: str = ""
    accept_cookies: bool = True
    cookies: Path | None = None
    cookies_from_browser: str | None = None
    save_cookies: Path | None = None
    netrc: bool = False
    user: tuple[str, str] | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    digest: bool = False
    cacert: Path | None = None
    insecure: bool = False
    cert: Path | None = None
    key: Path | None = None
    cert_password: str | None = field(default=None, repr=False)
    tls_min: str | None = None
    ciphers: str | None = None
    resolve: tuple[HostAddresses, ...] = ()
    ip_version: int | None = None
    interface: str | None = None
    dns_servers: tuple[str, ...] = ()
    block_private: bool = False
    timings: bool = False
    compressed: bool = True
    http1_only: bool = False
    http2_prior_knowledge: bool = False

    @property
    def request(self) -> Request | None:
        """The method and the body of requests for lines; None for a GET without a body."""
        return Request.of(self.method, self.body)

    @property
    def has_credentials(self) -> bool:
        """Whether requests have headers, passwords or a body that not every origin may get."""
        return bool(self.user or self.bearer or self.headers or self.body)

    def __post_init__(self) -> None:
        """Check ranges, the method, URLs of proxies, and that there is one kind of credentials.

        Raises:
            ValueError: a value is not allowed, or two options exclude each other.
        """
        if self.user is not None and self.bearer is not None:
            raise ValueError("user and bearer cannot be combined")
        if self.cert is None and (self.key is not None or self.cert_password is not None):
            raise ValueError("key and cert_password need cert")
        Request.of(self.method, self.body)
        if (self.cookies_from_browser or "firefox").partition(":")[0] != "firefox":
            raise ValueError("cookies_from_browser must be firefox or firefox:PROFILE")
        if not self.accept_cookies:
            for name in ("cookies", "cookies_from_browser", "save_cookies"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} cannot be combined with accept_cookies=False")
        for proxy in (self.http_proxy, self.https_proxy):
            if proxy:
                parse_proxy(proxy)
        if self.referer:
            _require_url(referer=self.referer)
        if self.tls_min not in (None, "1.0", "1.1", "1.2", "1.3"):
            raise ValueError("tls_min must be 1.0, 1.1, 1.2 or 1.3")
        if self.ip_version not in (None, 4, 6):
            raise ValueError("ip_version must be 4 or 6")
        _require_positive(
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            timeout=self.timeout,
        )
        _require_not_negative(
            max_redirects=self.max_redirects,
            retries=self.retries,
            min_speed=self.min_speed,
            max_size=self.max_size,
        )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class PolitenessOptions(OptionGroup):
    """How much is requested at once, and how fast.

    Attributes:
        concurrency: how many URLs are fetched at once; None to adapt it to the run.
        processes: how many processes share the hosts among them; None for one, and for others as
            soon as it is saturated.
        per_host: how many URLs of one host are fetched at once; None for six, and for as many as
            an HTTP/2 server allows and answers quickly.
        delay: seconds between two requests to one host.
        random_wait: multiply each delay by a random factor from 0.5 to 1.5.
        limit_rate: bytes per second that all transfers together may receive; None or 0 for no
            limit.
    """

    concurrency: int | None = None
    processes: int | None = 1
    per_host: int | None = None
    delay: float = 0.0
    random_wait: bool = False
    limit_rate: int | None = None

    @property
    def process_count(self) -> int:
        """Number of processes at the start: no more than URLs may be fetched at once."""
        processes = self.processes or 1
        return min(processes, self.concurrency or processes)

    def __post_init__(self) -> None:
        """Check ranges, so that a mistake is an error here and not a run that hangs.

        Raises:
            ValueError: a number is out of range.
        """
        _require_at_least_one(
            concurrency=self.concurrency, processes=self.processes, per_host=self.per_host
        )
        _require_not_negative(delay=self.delay, limit_rate=self.limit_rate)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class MirrorOptions(OptionGroup):
    """Which pages are mirrored, and which of their links are followed.

    Attributes:
        mirror: also save what each page needs, and make links lead to the saved files.
        level: follow this many links from a page of the list, or None to follow none; 0 for no
            limit. Implies mirror.
        span_hosts: follow links to other hosts, too.
        domains: follow links to these hosts and their subdomains, too.
        same_site: treat a host and the same one with ``www.`` before its name as one.
        no_parent: follow no link to a URL above the folder of the page that the list names.
        accept: patterns; if there are any, only referenced URLs that match one are kept.
        reject: patterns; referenced URLs that match one are not fetched.
        robots: ask robots.txt before a link is followed, and respect nofollow.
        max_urls: the largest number of URLs fetched because a page refers to them, or None.
        max_queries: the largest number of different queries of one path that are followed; None
            for no limit.
        single_file: save each page as one file with everything it needs; implies mirror.
    """

    mirror: bool = False
    level: int | None = None
    span_hosts: bool = False
    domains: tuple[str, ...] = ()
    same_site: bool = False
    no_parent: bool = False
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    robots: bool = True
    max_urls: int | None = None
    max_queries: int | None = DEFAULT_MAX_QUERIES
    single_file: bool = False

    @property
    def mirrors(self) -> bool:
        """Whether pages are mirrored."""
        return self.mirror or self.single_file or self.level is not None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: a number is out of range.
        """
        _require_not_negative(
            level=self.level, max_urls=self.max_urls, max_queries=self.max_queries
        )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class FilterOptions(OptionGroup):
    """Which responses are saved; the others are skipped.

    Attributes:
        accept_type: patterns of media types, such as ``image/*``; if there are any, only bodies of
            a type that matches one are saved.
        reject_type: patterns; bodies whose type matches one are not saved.
        min_size: bytes, decoded, below which a body is not saved, or None.
        newer_than: seconds since the epoch; what was not modified since then is not saved. None for
            any time.
    """

    accept_type: tuple[str, ...] = ()
    reject_type: tuple[str, ...] = ()
    min_size: int | None = None
    newer_than: float | None = None

    @property
    def filters(self) -> bool:
        """Whether any response may be skipped."""
        return bool(
            self.accept_type or self.reject_type or self.min_size or self.newer_than is not None
        )

    def __post_init__(self) -> None:
        """Check ranges and patterns.

        Raises:
            ValueError: a number is negative, or a pattern is not one of media types.
        """
        _require_not_negative(min_size=self.min_size)
        MediaTypeFilter(self.accept_type, self.reject_type)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class ArchiveOptions(OptionGroup):
    """Which web archives are written, and which are read.

    Attributes:
        warc: also record every exchange in a WARC file of this name; its extension (``.warc.gz``
            or ``.warc``) says whether it is compressed.
        warc_max_size: bytes after which a new file is started; None for no limit, but with pack
            for :data:`DEFAULT_PACK_BYTES`.
        warc_digest: the hash algorithm of the digests in the archive.
        wacz: pack the archive of this run as a WACZ file of this name.
        pack: save bodies in volumes of this format in the folder, instead of one file each.
        replay: archives that responses are read from; empty for the network.
    """

    warc: Path | None = None
    warc_max_size: int | None = None
    warc_digest: WarcDigest = WarcDigest.SHA1
    wacz: Path | None = None
    pack: Pack | None = None
    replay: tuple[Path, ...] = ()

    @property
    def archiving(self) -> bool:
        """Whether an archive of the run is written."""
        return self.warc is not None or self.wacz is not None or self.pack is not None

    @property
    def archive_size(self) -> int | None:
        """Bytes after which a new file of the archive is started; None for no limit."""
        return (
            DEFAULT_PACK_BYTES if self.pack and self.warc_max_size is None else self.warc_max_size
        )

    def __post_init__(self) -> None:
        """Check ranges, file names, and that a pack is the only archive.

        Raises:
            ValueError: a value is not allowed.
        """
        _require_not_negative(warc_max_size=self.warc_max_size)
        if self.pack is not None:
            _refuse_with_pack(warc=self.warc, wacz=self.wacz, replay=self.replay)
        if self.warc is not None and not self.warc.name.endswith((".warc", ".warc.gz")):
            raise ValueError("warc must end with .warc.gz, or with .warc for no compression")
        if self.wacz is not None and not self.wacz.name.endswith(".wacz"):
            raise ValueError("wacz must end with .wacz")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class ListOptions(OptionGroup):
    """How lists are read, and which of their lines are fetched.

    Attributes:
        url_column: the name, or the number from 1, of the column of addresses in tables and JSON;
            None to find it.
        sitemap: sites, and addresses of sitemaps and feeds, whose pages are read after all lists.
        base: the URL that relative links of lists in HTML and XML refer to, or None.
        keep_input: outcomes keep their lines as written, and the columns of these.
        keep_columns: the names of the columns that they keep; None for all.
        limit: read only so many lines, or None.
        sample: fetch only so many of the lines read, chosen at random, or None.
        seed: another one chooses another sample.
        shard: fetch only the lines whose hosts belong to this one of several runs, or None.
        checksums: a file such as SHA256SUMS, which whole bodies have to match, or None.
    """

    url_column: str | None = None
    sitemap: tuple[str, ...] = field(default=(), repr=False)
    base: str | None = field(default=None, repr=False)
    keep_input: bool = False
    keep_columns: tuple[str, ...] | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    shard: Shard | None = None
    checksums: Path | None = None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: a number is out of range.
        """
        _require_at_least_one(limit=self.limit, sample=self.sample)
        if self.sample is not None and self.sample > MAX_SAMPLE_LINES:
            raise ValueError(f"sample must be at most {MAX_SAMPLE_LINES}")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class StorageOptions(OutputOptions, NamingOptions, ArchiveOptions):
    """The destination of bodies: a folder, an object store, or an archive."""

    def __post_init__(self) -> None:
        """Check that a pack is saved, and not asked for what only files have.

        Raises:
            ValueError: two options exclude each other.
        """
        if self.pack is not None:
            _refuse_with_pack(**{"save=False": not self.save, "verify": self.verify})
            _refuse_with_pack(file=self.file, stream=self.stream)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class RequestOptions(NetworkOptions, PolitenessOptions):
    """How URLs are requested: one by one, and all together."""


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class TransferOptions(StorageOptions, RequestOptions, FilterOptions):
    """How URLs are fetched and saved, wherever they come from."""


@dataclass(frozen=True, kw_only=True)
class Options(TransferOptions, MirrorOptions, ListOptions):
    """The options of a run; every field has the command's default.

    The fields are those of :class:`OutputOptions`, :class:`NamingOptions`,
    :class:`NetworkOptions`, :class:`PolitenessOptions`, :class:`FilterOptions`,
    :class:`MirrorOptions`, :class:`ArchiveOptions` and :class:`ListOptions`.
    """

    def __post_init__(self) -> None:
        """Check that pages are mirrored to files in a folder, which are changed after saving.

        Raises:
            ValueError: two options exclude each other, or a value is not allowed.
        """
        for address in (*self.sitemap, *([self.base] if self.base else ())):
            _require_url(**{"sitemap and base": address})
        if self.mirrors:
            if self.only_name is not None:
                raise ValueError("a mirror needs a folder, not a file or a stream")
            if self.name_template is not None:
                raise ValueError("a mirror cannot be combined with name_template")
            if not self.save:
                raise ValueError("a mirror cannot be combined with save=False")
            if self.pack is not None:
                _refuse_with_pack(**{"a mirror": True})
            if self.remote is not None:
                raise ValueError(
                    "a mirror needs a folder, because its files are changed after they are saved"
                )
        super().__post_init__()


def _require_url(**texts: str) -> None:
    for name, text in texts.items():
        try:
            urls.parse(text)
        except BadUrlError:
            # The text is not shown, because it may hold a password.
            raise ValueError(f"{name} must be an http or https URL") from None


def _require_at_least_one(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1")


def _require_positive(**numbers: float | None) -> None:
    for name, number in numbers.items():
        if number is not None and number <= 0:
            raise ValueError(f"{name} must be more than 0")


def _require_not_negative(**numbers: float | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 0:
            raise ValueError(f"{name} must not be negative")


def _refuse_with_pack(**others: object) -> None:
    if given := [name for name, value in others.items() if value]:
        raise ValueError(f"pack cannot be combined with {' or '.join(given)}")
