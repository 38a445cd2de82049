"""The options of requests: one by one, and all together."""

from dataclasses import dataclass, field
from pathlib import Path

from downloader._version import __version__
from downloader.models.option_group import (
    OptionGroup,
    require_at_least_one,
    require_not_negative,
    require_positive,
    require_url,
)
from downloader.models.requests import Request
from downloader.web.proxies import parse_proxy

#: The User-Agent sent by default: honest, so that the owner of a site can identify this program.
#: Its product token is the name of the distribution. With "download", rules of robots.txt for
#: "Download Ninja" and others would count.
USER_AGENT = f"download-sites/{__version__} (concurrent website downloader)"

_LINE_BREAKS = frozenset("\r\n\0")


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
        titles: outcomes have the titles of pages.
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
    titles: bool = False
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
        if not _LINE_BREAKS.isdisjoint(self.user_agent):
            # A proxy that is asked for a tunnel would get fields of somebody else.
            raise ValueError("user_agent must be one line")
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
            require_url(referer=self.referer)
        if self.tls_min not in (None, "1.0", "1.1", "1.2", "1.3"):
            raise ValueError("tls_min must be 1.0, 1.1, 1.2 or 1.3")
        if self.ip_version not in (None, 4, 6):
            raise ValueError("ip_version must be 4 or 6")
        require_positive(
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            timeout=self.timeout,
        )
        require_not_negative(
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
        require_at_least_one(
            concurrency=self.concurrency, processes=self.processes, per_host=self.per_host
        )
        require_not_negative(delay=self.delay, limit_rate=self.limit_rate)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class RequestOptions(NetworkOptions, PolitenessOptions):
    """How URLs are requested: one by one, and all together."""
