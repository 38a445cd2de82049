"""The exceptions of this package: a class for each kind of failure; public.

An error of one URL has a *kind* from a closed set, which output lines, reports and ``except``
clauses share, and says whether a retry may help. Any error may have a *hint* at what to do.

::

    DownloadError
    ├── UrlError ............ concerns one URL, and becomes its Failed outcome
    │   ├── BadUrlError           bad-url      the line is no URL that can be fetched
    │   ├── DnsError              dns          the host name cannot be resolved
    │   ├── ConnectError          connect      no connection, or it broke before a response
    │   │   ├── NoDescriptorError connect      no file descriptor is free at the moment
    │   │   └── RefusedError      connect      the server asks for fewer requests at once
    │   ├── TlsError              tls          no trusted encrypted connection
    │   ├── TimedOutError         timeout      too slow to connect, to respond or to continue
    │   ├── HttpStatusError       http-status  the response has an error status
    │   ├── RedirectError         redirect     a redirect without a usable target
    │   ├── ProtocolError         protocol     the response is not valid HTTP
    │   ├── TruncatedError        truncated    the body ended too early
    │   ├── DecodeError           decode       the content coding is broken or unknown
    │   ├── ChecksumError         checksum     the body differs from the checksum in the list
    │   ├── TooLargeError         too-large    the body exceeds --max-size
    │   ├── BlockedError          blocked      refused for safety
    │   │   └── NameTooLongError  blocked      the file system takes no name of this length
    │   ├── RobotsError           robots       robots.txt cannot be fetched, which disallows all
    │   ├── DiskError             disk         the local disk failed
    │   │   └── StoreError        disk         the object store failed
    │   ├── InterruptedRunError   interrupted  the run was stopped before
    │   └── InternalError         internal     a bug in this program
    └── RunError ............ ends the whole run, and is raised to the caller
        ├── SourceError           a list cannot be read
        ├── OutputError           the output folder cannot be used
        │   └── BusyError             because another run is using it
        └── ReportError           a report cannot be written or read
"""

from enum import StrEnum
from typing import ClassVar


class ErrorKind(StrEnum):
    """The kinds of failure of a URL; a closed set."""

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
        message: one line for a person, without the URL.
        hint: what to do about it, or an empty string.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UrlError(DownloadError):
    """An error of one URL; the run continues with the others.

    Attributes:
        kind: the kind of failure.
        retryable: whether the same request may succeed later.
    """

    kind: ClassVar[ErrorKind]
    default_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", retryable: bool | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retryable = self.default_retryable if retryable is None else retryable


class BadUrlError(UrlError):
    """The text is no URL that can be fetched, or its line is malformed."""

    kind = ErrorKind.BAD_URL


class DnsError(UrlError):
    """The host name cannot be resolved; retryable if the resolver reports a temporary failure."""

    kind = ErrorKind.DNS


class ConnectError(UrlError):
    """No connection could be made, or it broke before a response arrived."""

    kind = ErrorKind.CONNECT
    default_retryable = True


class NoDescriptorError(ConnectError):
    """No file descriptor is free; the transfer waits for another one to end."""


class RefusedError(ConnectError):
    """The server refuses the request for the moment, and asks for fewer at once.

    In HTTP/2 by ``REFUSED_STREAM`` or ``ENHANCE_YOUR_CALM`` (RFC 9113, section 7).
    """


class TlsError(UrlError):
    """No trusted encrypted connection could be made."""

    kind = ErrorKind.TLS


class TimedOutError(UrlError):
    """The connection, the response or the body took longer than allowed."""

    kind = ErrorKind.TIMEOUT
    default_retryable = True


class HttpStatusError(UrlError):
    """The response has a status other than success.

    Attributes:
        status: the HTTP status code.
        pause: a host, and the seconds in which it asks for no further requests; or None.
        pause_too_long: whether nobody waits for so long: a temporary failure is then final.
    """

    kind = ErrorKind.HTTP_STATUS
    #: Statuses that RFC 9110 (and RFC 6585 for 429) describes as temporary conditions.
    TEMPORARY: ClassVar[frozenset[int]] = frozenset({408, 429, 500, 502, 503, 504})

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        pause: tuple[str, float] | None = None,
        pause_too_long: bool = False,
    ) -> None:
        temporary = status in self.TEMPORARY
        self.status = status
        self.pause = pause
        self.pause_too_long = pause is not None and temporary and pause_too_long
        message = f"{status} {reason}".rstrip()
        if pause is not None and self.pause_too_long:
            message += f"; the server asks to wait {pause[1]:.0f} s"
        super().__init__(message, retryable=temporary and not self.pause_too_long)


class RedirectError(UrlError):
    """A redirect without a target, to a forbidden scheme, or one too many."""

    kind = ErrorKind.REDIRECT


class ProtocolError(UrlError):
    """The response is not valid HTTP."""

    kind = ErrorKind.PROTOCOL


class NotHttpError(ProtocolError):
    """The response is no HTTP at all, as from a server that is just being started."""


class TruncatedError(UrlError):
    """The body ended before its declared length, last chunk or end of stream."""

    kind = ErrorKind.TRUNCATED
    default_retryable = True


class DecodeError(UrlError):
    """The content coding is unknown, or the coded body is corrupt."""

    kind = ErrorKind.DECODE


class ChecksumError(UrlError):
    """The body is complete, but differs from the checksum in the list."""

    kind = ErrorKind.CHECKSUM


class TooLargeError(UrlError):
    """The decoded body is larger than allowed."""

    kind = ErrorKind.TOO_LARGE


class BlockedError(UrlError):
    """Refused for safety, such as a forbidden address or a name outside the output folder."""

    kind = ErrorKind.BLOCKED


class NameTooLongError(BlockedError):
    """The file system takes no name of this length; a shorter one is tried."""


class RobotsError(UrlError):
    """The site's robots.txt cannot be fetched, which disallows everything (RFC 9309, 2.3.1.4)."""

    kind = ErrorKind.ROBOTS


class DiskError(UrlError):
    """The local disk failed; the run stops, because the next file would fail too."""

    kind = ErrorKind.DISK


class StoreError(DiskError):
    """The object store failed, after the retries of its library."""


class InterruptedRunError(UrlError):
    """The run was stopped before this URL was done."""

    kind = ErrorKind.INTERRUPTED


class InternalError(UrlError):
    """A defect of this program; reported for its URL, so that the run can continue."""

    kind = ErrorKind.INTERNAL


class RunError(DownloadError):
    """An error that ends the whole run; raised to the caller."""


class SourceError(RunError):
    """A list cannot be read."""


class OutputError(RunError):
    """The output folder cannot be used."""


class BusyError(OutputError):
    """Another run is using the output folder."""


class ReportError(RunError):
    """A report or a lock file cannot be written, or an earlier one cannot be read."""
