"""The exceptions of this package: a class for each kind of failure.

Each class has a *kind* from a closed set, used alike in output lines, reports and ``except``
clauses; says whether trying again may help; and may carry a *hint*, the way out.

::

    DownloadError
    ├── UrlError ............ the fault of one URL: becomes that URL's Failed outcome
    │   ├── BadUrlError           bad-url      the line is no web address
    │   ├── DnsError              dns          the host name cannot be resolved
    │   ├── ConnectError          connect      no connection, or it broke before a response
    │   │   └── NoDescriptorError connect      no file descriptor is free for the moment
    │   ├── TlsError              tls          no trusted encrypted connection
    │   ├── TimedOutError         timeout      too slow to connect, to answer or to go on
    │   ├── HttpStatusError       http-status  the server answered with a failure
    │   ├── RedirectError         redirect     a redirect that leads nowhere
    │   ├── ProtocolError         protocol     the answer is not valid HTTP
    │   ├── TruncatedError        truncated    the body ended too early
    │   ├── DecodeError           decode       the content coding is broken or unknown
    │   ├── ChecksumError         checksum     the body is not the one the list promised
    │   ├── TooLargeError         too-large    the body is over the limit
    │   ├── BlockedError          blocked      refused for safety
    │   ├── RobotsError           robots       robots.txt cannot be had, which disallows all
    │   ├── DiskError             disk         the local disk failed
    │   │   └── StoreError        disk         the object store that files go to failed
    │   ├── InterruptedRunError   interrupted  the run was stopped first
    │   └── InternalError         internal     a defect of this program
    └── RunError ............ the fault of the whole run: raised to the caller
        ├── SourceError           a list that cannot be read
        ├── OutputError           an output folder that cannot be used
        │   └── BusyError             because another run is using it
        └── ReportError           a report that cannot be made, or not be read
"""

from enum import StrEnum
from typing import ClassVar


class ErrorKind(StrEnum):
    """The closed set of reasons for which a URL can fail."""

    BAD_URL = "bad-url"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    HTTP_STATUS = "http-status"
    REDIRECT = "redirect"
    PROTOCOL = "protocol"
    TRUNCATED = "truncated"
    DECODE = "decode"
    CHECKSUM = "checksum"
    TOO_LARGE = "too-large"
    BLOCKED = "blocked"
    ROBOTS = "robots"
    DISK = "disk"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


class DownloadError(Exception):
    """Base of every error that this package raises on purpose.

    Attributes:
        message: one line for a person; it does not repeat the URL.
        hint: what the person can do about it, or an empty string.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UrlError(DownloadError):
    """The fault of one URL; the other URLs go on.

    Attributes:
        kind: which of the closed set of reasons this is.
        retryable: whether the same request may succeed when it is made again.
    """

    kind: ClassVar[ErrorKind]
    default_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", retryable: bool | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retryable = self.default_retryable if retryable is None else retryable


class BadUrlError(UrlError):
    """The text is no web address, or the line around it is malformed."""

    kind = ErrorKind.BAD_URL


class DnsError(UrlError):
    """The host name cannot be resolved; retryable when the resolver says "try again"."""

    kind = ErrorKind.DNS


class ConnectError(UrlError):
    """No connection could be made, or it broke before a response arrived."""

    kind = ErrorKind.CONNECT
    default_retryable = True


class NoDescriptorError(ConnectError):
    """No file descriptor is free; one will be when another transfer ends, so it is waited for."""


class TlsError(UrlError):
    """No trusted encrypted connection could be made."""

    kind = ErrorKind.TLS


class TimedOutError(UrlError):
    """Connecting, answering or going on took longer than allowed."""

    kind = ErrorKind.TIMEOUT
    default_retryable = True


class HttpStatusError(UrlError):
    """The server answered with a status that is no success.

    Attributes:
        status: the HTTP status code.
        pause: the host, and the seconds that it asks everybody to stay away; or None.
    """

    kind = ErrorKind.HTTP_STATUS
    #: Statuses that RFC 9110 (and RFC 6585 for 429) describe as conditions of the moment.
    TEMPORARY: ClassVar[frozenset[int]] = frozenset({408, 429, 500, 502, 503, 504})

    def __init__(self, status: int, reason: str, *, pause: tuple[str, float] | None = None) -> None:
        super().__init__(f"{status} {reason}".rstrip(), retryable=status in self.TEMPORARY)
        self.status = status
        self.pause = pause


class RedirectError(UrlError):
    """A redirect without an address, to a forbidden scheme, or one too many."""

    kind = ErrorKind.REDIRECT


class ProtocolError(UrlError):
    """The peer's answer is not valid HTTP."""

    kind = ErrorKind.PROTOCOL


class TruncatedError(UrlError):
    """The body ended before its declared length, last chunk or end of stream."""

    kind = ErrorKind.TRUNCATED
    default_retryable = True


class DecodeError(UrlError):
    """The content coding is unknown, or the coded body is corrupt."""

    kind = ErrorKind.DECODE


class ChecksumError(UrlError):
    """The body is whole, but not the one that the list promised."""

    kind = ErrorKind.CHECKSUM


class TooLargeError(UrlError):
    """The decoded body is larger than allowed."""

    kind = ErrorKind.TOO_LARGE


class BlockedError(UrlError):
    """Refused for safety: a forbidden address, or a name outside the output folder."""

    kind = ErrorKind.BLOCKED


class RobotsError(UrlError):
    """The site's robots.txt cannot be had, which disallows everything (RFC 9309, 2.3.1.4)."""

    kind = ErrorKind.ROBOTS


class DiskError(UrlError):
    """The local disk failed; the run stops, because the next file would fail too."""

    kind = ErrorKind.DISK


class StoreError(DiskError):
    """The object store that files go to failed, after all attempts of its own library."""


class InterruptedRunError(UrlError):
    """The run was stopped before this URL was done."""

    kind = ErrorKind.INTERRUPTED


class InternalError(UrlError):
    """A defect of this program, reported for its URL so that the run can go on."""

    kind = ErrorKind.INTERNAL


class RunError(DownloadError):
    """The fault of the whole run; raised to the caller."""


class SourceError(RunError):
    """A list cannot be read, or is no list."""


class OutputError(RunError):
    """The output folder cannot be used."""


class BusyError(OutputError):
    """Another run is using the output folder."""


class ReportError(RunError):
    """A report, or a lock, cannot be made; or an earlier one cannot be read."""
