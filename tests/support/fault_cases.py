"""Every fault of the fault server, and what must become of a request for it."""

from dataclasses import dataclass, replace

from downloader import ErrorKind, Options
from tests.support.fault_server import (
    ARCHIVE,
    BOMB,
    LARGE,
    NOT_UTF_8,
    PAGE,
    REFUSALS,
    WITH_BOM,
    Endpoint,
)

#: What every test here runs with; no case may depend on a second attempt.
OPTIONS = Options(connect_timeout=5, read_timeout=5, timeout=8, retries=0)


#: For servers that stall: long enough for a busy machine to answer the neighbours.
IMPATIENT = replace(OPTIONS, connect_timeout=0.4, read_timeout=0.4)


#: For servers that are never done, though they never stall.
HURRIED = replace(OPTIONS, timeout=0.5)


DEAD_HOST = "no-such-host.invalid"


Expected = ErrorKind | bytes


@dataclass(frozen=True)
class Case:
    """One thing that a server may do, and what must become of it.

    Attributes:
        path: of the fault.
        expected: how it fails, or the very bytes that are saved.
        says: what the message must contain.
        asks: a path that must have been asked for on the way.
        verified: whether the end of the body was marked.
        endpoint: which port it is asked at.
        scheme: other than the port's own, to ask in the wrong language.
        options: other than the usual.

    """

    path: str
    expected: Expected
    says: str = ""
    asks: str = ""
    verified: bool = True
    endpoint: Endpoint = Endpoint.PLAIN
    scheme: str = ""
    options: Options = OPTIONS

    def __str__(self) -> str:
        endpoint = "" if self.endpoint is Endpoint.PLAIN else f" at {self.endpoint.name}"
        return f"{self.scheme}{self.path}{endpoint}"


FRAMING = [
    Case("/page", PAGE),
    Case("/large", LARGE),
    Case("/empty", b""),
    Case("/length-more-than-sent", ErrorKind.TRUNCATED, says="shorter than its Content-Length"),
    Case("/length-but-no-body", ErrorKind.TRUNCATED, says="shorter than its Content-Length"),
    Case("/large-cut", ErrorKind.TRUNCATED, says="shorter than its Content-Length"),
    Case("/large-chunked-cut", ErrorKind.TRUNCATED, says="last chunk"),
    # What follows a body is discarded, as by curl and wget (RFC 9112, section 6.3).
    Case("/length-less-than-sent", PAGE),
    Case("/length-less-than-sent-after-the-head", PAGE),
    Case("/chunked-and-more", PAGE),
    Case("/length-negative", ErrorKind.PROTOCOL),
    Case("/length-words", ErrorKind.PROTOCOL),
    Case("/length-empty", ErrorKind.PROTOCOL),
    Case("/length-overflow", ErrorKind.PROTOCOL),
    Case("/length-with-unit", ErrorKind.PROTOCOL),
    Case("/length-with-comma", PAGE),
    Case("/lengths-conflict", ErrorKind.PROTOCOL),
    Case("/lengths-agree", PAGE),
    Case("/lengths-agree-in-one-field", PAGE),
    # RFC 9112 allows both to refuse and to accept; curl accepts this.
    Case("/length-and-chunked", ErrorKind.PROTOCOL),
    Case("/length-and-identity", PAGE),
    Case("/length-and-none", PAGE),
    Case("/chunked-twice", PAGE),
    Case("/chunked-in-two-fields", PAGE),
    Case("/chunked-and-identity", PAGE),
    Case("/identity-and-chunked", PAGE),
    Case("/chunked-and-comma", PAGE),
    Case("/trailer-with-length", PAGE),
    Case("/trailer-with-junk", PAGE),
    # The parser gives no choice; see "What the HTTP parser does not accept".
    Case("/chunk-size-with-line-feed", ErrorKind.PROTOCOL, says="chunk size"),
    Case("/last-chunk-with-line-feed", ErrorKind.TRUNCATED, says="last chunk"),
    Case("/chunk-extension-malformed", ErrorKind.PROTOCOL, says="chunk extensions"),
    Case("/chunked", PAGE),
    Case("/chunked-empty", b""),
    Case("/chunked-with-extension-and-trailer", PAGE),
    Case("/byte-by-byte", PAGE[:40]),
    Case("/chunked-without-last", ErrorKind.TRUNCATED, says="last chunk"),
    Case("/chunked-nothing-sent", ErrorKind.TRUNCATED, says="last chunk"),
    Case("/chunked-last-cut", ErrorKind.TRUNCATED, says="last chunk"),
    Case("/chunk-cut", ErrorKind.TRUNCATED, says="last chunk"),
    Case("/chunk-size-cut", ErrorKind.TRUNCATED, says="last chunk"),
    Case("/chunk-size-malformed", ErrorKind.PROTOCOL, says="chunk size"),
    Case("/chunk-size-malformed-later", ErrorKind.PROTOCOL, says="chunk size"),
    Case("/chunk-size-negative", ErrorKind.PROTOCOL, says="chunk size"),
    Case("/chunk-size-overflow", ErrorKind.PROTOCOL),
    Case("/chunk-longer-than-its-size", ErrorKind.PROTOCOL),
    Case("/transfer-coding-unknown", ErrorKind.PROTOCOL, says="rot13"),
    Case("/transfer-coding-gzip", ErrorKind.PROTOCOL, says="gzip"),
    Case("/transfer-coding-like-chunked", ErrorKind.PROTOCOL, says=r"\x0bchunked"),
    Case("/transfer-coding-identity", PAGE, verified=False),
    Case("/transfer-coding-none", PAGE, verified=False),
    Case("/until-close", PAGE, verified=False),
    Case("/until-close-nothing", b"", verified=False),
    Case("/until-close-http-1.0", PAGE, verified=False),
    Case("/until-reset", ErrorKind.TRUNCATED, says="connection broke"),
]


CONNECTIONS = [
    Case("/reset-before-answer", ErrorKind.CONNECT, says="reset"),
    Case("/reset-in-head", ErrorKind.CONNECT, says="reset"),
    Case("/reset-in-body", ErrorKind.TRUNCATED),
    Case("/reset-in-chunk", ErrorKind.TRUNCATED),
    # Closed or reset: on a busy machine the kernel resets what was closed with bytes unread.
    Case("/close-without-answer", ErrorKind.CONNECT, says="connection"),
    Case("/close-in-head", ErrorKind.CONNECT, says="connection"),
    Case("/close-in-status-line", ErrorKind.CONNECT, says="connection"),
    Case("/keep-alive-then-close", PAGE),
    Case("/keep-alive-then-reset", PAGE),
    Case("/close-when-used-again", PAGE),
    Case("/reset-when-used-again", PAGE),
    Case("/poison", PAGE),
    Case("/poison-behind-the-body", PAGE),
    Case("/stall-before-head", ErrorKind.TIMEOUT, options=IMPATIENT),
    Case("/stall-in-head", ErrorKind.TIMEOUT, options=IMPATIENT),
    Case("/stall-in-body", ErrorKind.TIMEOUT, options=IMPATIENT),
    Case("/stall-before-last-chunk", ErrorKind.TIMEOUT, options=IMPATIENT),
    Case("/stall-before-close", ErrorKind.TIMEOUT, options=IMPATIENT),
    Case("/drip-body", ErrorKind.TIMEOUT, says="0.5 s", options=HURRIED),
    Case("/drip-head", ErrorKind.TIMEOUT, says="0.5 s", options=HURRIED),
    Case("/", ErrorKind.TIMEOUT, endpoint=Endpoint.SILENT, options=IMPATIENT),
    Case("/", ErrorKind.TIMEOUT, endpoint=Endpoint.SILENT, scheme="https", options=IMPATIENT),
    Case("/", ErrorKind.CONNECT, endpoint=Endpoint.CLOSING),
    Case("/", ErrorKind.TLS, endpoint=Endpoint.CLOSING, scheme="https", says="TLS handshake"),
]


HEADS = [
    Case("/garbage", ErrorKind.PROTOCOL),
    Case("/terminal-escape", ErrorKind.PROTOCOL),
    Case("/http-0.9", ErrorKind.PROTOCOL),
    Case("/ssh-banner", ErrorKind.PROTOCOL),
    Case("/icy", ErrorKind.PROTOCOL),
    Case("/tls-alert", ErrorKind.PROTOCOL),
    Case("/http-2-preface", ErrorKind.PROTOCOL),
    Case("/version-9.9", ErrorKind.PROTOCOL),
    Case("/status-without-reason", PAGE),
    Case("/status-with-long-reason", PAGE),
    Case(
        "/status-with-strange-reason", ErrorKind.HTTP_STATUS, says=r"404 \x1b[2J\x9b31m nothing é"
    ),
    Case("/status-with-endless-reason", ErrorKind.HTTP_STATUS, says="404 not not"),
    Case("/status-99", ErrorKind.PROTOCOL),
    Case("/status-1000", ErrorKind.PROTOCOL),
    Case("/status-words", ErrorKind.PROTOCOL),
    Case("/early-hints", PAGE),
    Case("/continue-unasked", PAGE),
    Case("/many-interim-answers", PAGE),
    Case("/interim-answer-only", ErrorKind.CONNECT),
    Case("/switching-protocols", ErrorKind.HTTP_STATUS, says="101"),
    Case("/blank-line-first", PAGE),
    Case("/line-feeds-only", PAGE),
    Case("/line-ends-with-two-carriage-returns", PAGE),
    Case("/header-folded", PAGE),
    Case("/header-without-colon", PAGE, verified=False),
    Case("/header-without-name", PAGE, verified=False),
    Case("/header-space-before-colon", PAGE),
    Case("/header-with-nul", PAGE),
    Case("/header-latin-1", PAGE),
    Case("/header-like-a-length", ErrorKind.PROTOCOL),
    Case("/header-junk-byte-by-byte", PAGE),
    Case("/header-junk-after-early-hints", PAGE),
    Case("/status-after-two-spaces", PAGE),
    Case("/status-without-space", PAGE),
    Case("/header-value-latin-1", PAGE),
    Case("/validators-latin-1", PAGE),
    Case("/header-20-kB", PAGE),
    Case("/header-100-kB", ErrorKind.PROTOCOL, says="too long"),
    Case("/header-name-100-kB", ErrorKind.PROTOCOL, says="too long"),
    Case("/headers-500", PAGE),
    Case("/headers-2000", ErrorKind.PROTOCOL, says="Too many headers"),
    Case("/headers-endless", ErrorKind.PROTOCOL, says="Too many headers"),
    Case("/headers-large-endless", ErrorKind.PROTOCOL, says="longer than 256 kB"),
    Case("/interim-answers-endless", ErrorKind.PROTOCOL, says="without end"),
    Case("/chunk-extension-endless", ErrorKind.PROTOCOL, says="framing"),
    Case("/chunk-extensions-for-each-byte", ErrorKind.PROTOCOL, says="framing"),
    Case("/chunk-size-of-zeros", ErrorKind.PROTOCOL, says="framing"),
    Case("/trailers-endless", ErrorKind.PROTOCOL),
    Case("/drip-of-interim-answers", ErrorKind.TIMEOUT, says="0.4 s", options=IMPATIENT),
    Case("/drip-of-a-head", ErrorKind.TIMEOUT, says="head was not", options=IMPATIENT),
    Case("/drip-of-a-chunk-extension", ErrorKind.TIMEOUT, says="framing", options=IMPATIENT),
    Case("/cookies-200", PAGE),
    Case("/cookies-malformed", PAGE),
    Case("/type-missing", PAGE),
    Case("/type-bogus", PAGE),
    Case("/type-twice", PAGE),
    Case("/charset-unknown", PAGE),
    Case("/charset-wrong", NOT_UTF_8),
    Case("/byte-order-mark", WITH_BOM),
    Case("/name-with-traversal", PAGE),
]


STATUSES = [
    *(
        Case(f"/status/{status}", ErrorKind.HTTP_STATUS, says=f"{status} {reason}")
        for status, reason in REFUSALS.items()
    ),
    Case("/status/203", PAGE),
    Case("/status/204", b""),
    Case("/status/204-with-body", b""),
    Case("/status/205", b""),
    Case("/status/206", ErrorKind.HTTP_STATUS, says="206"),
    Case("/status/304", ErrorKind.HTTP_STATUS, says="304"),
]


REDIRECTS = [
    Case("/redirect/absolute", PAGE, asks="/page"),
    Case("/redirect/absolute-path", PAGE, asks="/page"),
    Case("/redirect/relative", PAGE, asks="/page"),
    Case("/redirect/same-scheme", PAGE, asks="/page"),
    Case("/redirect/permanent", PAGE, asks="/page"),
    Case("/redirect/dots-above-root", PAGE, asks="/page"),
    Case("/redirect/fragment", PAGE, asks="/page"),
    Case("/redirect/spaces-around", PAGE, asks="/page"),
    Case("/redirect/backslashes", PAGE, asks="/page"),
    Case("/redirect/tab-inside", PAGE, asks="/page"),
    Case("/redirect/two-locations", PAGE, asks="/page"),
    Case("/redirect/latin-1", PAGE, asks="/caf%E9"),
    Case("/redirect/utf-8", PAGE, asks="/caf%C3%A9"),
    Case("/redirect/spaces", PAGE, asks="/two%20words"),
    Case("/redirect/quotes", PAGE, asks="/it's"),
    Case("/redirect/percent", PAGE, asks="/a%2Fb%27c"),
    # The redirect is understood, whatever becomes of the words that come with it.
    Case("/redirect/with-body-cut", PAGE, asks="/page"),
    Case("/redirect/with-body-too-long", PAGE, asks="/page"),
    Case("/redirect/with-body-that-stalls", PAGE, asks="/page", options=IMPATIENT),
    Case("/redirect/with-endless-body", PAGE, asks="/page"),
    Case("/redirect/see-other-to-failure", ErrorKind.HTTP_STATUS, says="404", asks="/status/404"),
    Case("/redirect/without-location", ErrorKind.REDIRECT, says="without a Location"),
    Case("/redirect/itself", ErrorKind.REDIRECT, says="more than 20"),
    Case("/redirect/empty", ErrorKind.REDIRECT, says="more than 20"),
    Case("/redirect/endless", ErrorKind.REDIRECT, says="more than 20"),
    Case("/redirect/javascript", ErrorKind.REDIRECT, says="javascript:alert(1)"),
    Case("/redirect/file", ErrorKind.REDIRECT, says="file:///etc/passwd"),
    Case("/redirect/ftp", ErrorKind.REDIRECT, says="ftp://127.0.0.1/page"),
    Case("/redirect/data", ErrorKind.REDIRECT, says="data:text/html"),
    Case("/redirect/no-address", ErrorKind.REDIRECT, says="not a web address"),
    Case("/redirect/port-out-of-range", ErrorKind.REDIRECT, says="not a web address"),
    Case("/redirect/escape", ErrorKind.REDIRECT, says=r"gopher://\x1b[31m/"),
    Case("/redirect/dead-host", ErrorKind.DNS, says=DEAD_HOST),
    Case("/redirect/long-label", ErrorKind.DNS, says="aaa.invalid"),
    Case("/redirect/empty-label", ErrorKind.DNS, says="a..invalid"),
    Case("/redirect/dead-port", ErrorKind.CONNECT, says="refused"),
    Case("/redirect/to-another-scheme", ErrorKind.TLS),
]


CERTIFICATES = [
    Case("/page", PAGE, endpoint=Endpoint.TRUSTED),
    Case("/page", ErrorKind.TLS, says="issuer is not trusted", endpoint=Endpoint.UNTRUSTED),
    Case("/page", ErrorKind.TLS, says="self-signed", endpoint=Endpoint.SELF_SIGNED),
    Case("/page", ErrorKind.TLS, says="expired", endpoint=Endpoint.EXPIRED),
    Case("/page", ErrorKind.TLS, says="another address", endpoint=Endpoint.WRONG_NAME),
    Case("/page", ErrorKind.TLS, scheme="https"),
    # Python's own TLS server hangs up without a word; "/tls-alert" is what others answer.
    Case("/page", ErrorKind.CONNECT, endpoint=Endpoint.TRUSTED, scheme="http"),
    Case("/length-more-than-sent", ErrorKind.TRUNCATED, endpoint=Endpoint.TRUSTED),
    Case("/reset-in-body", ErrorKind.TRUNCATED, endpoint=Endpoint.TRUSTED),
    Case("/until-close", PAGE, verified=False, endpoint=Endpoint.TRUSTED),
    Case("/large-until-close", LARGE, verified=False, endpoint=Endpoint.TRUSTED),
    Case("/until-end-of-connection", PAGE, verified=False),
    Case("/until-end-of-connection", ErrorKind.TRUNCATED, endpoint=Endpoint.TRUSTED),
    Case("/large-until-end-of-connection", ErrorKind.TRUNCATED, endpoint=Endpoint.TRUSTED),
]


CODINGS: dict[str, Expected] = {
    "gzip": PAGE,
    "gzip-shouted": PAGE,
    "x-gzip": PAGE,
    "gzip-of-nothing": b"",
    "gzip-large": LARGE,
    "gzip-large-bad-crc": ErrorKind.DECODE,
    "gzip-bomb": BOMB,
    "gzip-cut": ErrorKind.TRUNCATED,
    "gzip-cut-in-header": ErrorKind.TRUNCATED,
    "gzip-cut-after-one-byte": ErrorKind.TRUNCATED,
    # The compressed data is complete; curl, wget and browsers do without its checksum.
    "gzip-cut-before-trailer": PAGE,
    "gzip-cut-in-trailer": ErrorKind.TRUNCATED,
    "gzip-bad-crc": ErrorKind.DECODE,
    "gzip-bad-size": ErrorKind.DECODE,
    "gzip-corrupt": ErrorKind.DECODE,
    "gzip-not-at-all": ErrorKind.DECODE,
    "gzip-then-garbage": ErrorKind.DECODE,
    "gzip-then-zeros": PAGE,
    "gzip-then-zeros-and-garbage": ErrorKind.DECODE,
    "gzip-of-two-members": PAGE,
    "gzip-with-second-member-cut": ErrorKind.TRUNCATED,
    "gzip-with-second-member-barely-begun": ErrorKind.TRUNCATED,
    "deflate": PAGE,
    "deflate-raw": PAGE,
    "deflate-cut": ErrorKind.TRUNCATED,
    "deflate-cut-before-checksum": ErrorKind.TRUNCATED,
    "deflate-cut-after-one-byte": ErrorKind.TRUNCATED,
    "deflate-raw-cut": ErrorKind.TRUNCATED,
    "deflate-bad-checksum": ErrorKind.DECODE,
    "deflate-then-garbage": ErrorKind.DECODE,
    "br": PAGE,
    "br-large": LARGE,
    "br-cut": ErrorKind.TRUNCATED,
    "br-corrupt": ErrorKind.DECODE,
    "br-then-garbage": ErrorKind.DECODE,
    "zstd": PAGE,
    "zstd-of-two-frames": PAGE,
    "zstd-cut": ErrorKind.TRUNCATED,
    "zstd-corrupt": ErrorKind.DECODE,
    "zstd-then-garbage": ErrorKind.DECODE,
    "identity": PAGE,
    "unnamed": PAGE,
    "gzip-then-line-end": PAGE,
    "gzip-of-empty-members": ErrorKind.DECODE,
    "zstd-of-empty-frames": ErrorKind.DECODE,
    "no-coding": PAGE,
    "no-coding-and-gzip": PAGE,
    "unknown": ErrorKind.DECODE,
    "unknown-with-escape": ErrorKind.DECODE,
    "unknown-and-long": ErrorKind.DECODE,
    "stacked": PAGE,
    "stacked-twice-gzip": PAGE,
    "stacked-with-identity": PAGE,
    "stacked-inner-cut": ErrorKind.TRUNCATED,
    "stacked-outer-cut": ErrorKind.TRUNCATED,
    "stacked-too-high": ErrorKind.DECODE,
    # No body at all is not a cut body: servers put the field on every answer.
    "of-nothing-sent": b"",
}


BODIES = [
    *(Case(f"/coded/by-length/{name}", expected) for name, expected in CODINGS.items()),
    *(Case(f"/coded/in-chunks/{name}", expected) for name, expected in CODINGS.items()),
    Case("/coded/two-fields", PAGE),
    Case("/coded/archive", ARCHIVE),
    Case("/coded/until-close-cut", ErrorKind.TRUNCATED),
    Case("/coded/until-close-nothing", ErrorKind.TRUNCATED),
]


CASES = [*FRAMING, *CONNECTIONS, *HEADS, *STATUSES, *REDIRECTS, *CERTIFICATES, *BODIES]
