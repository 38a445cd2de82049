"""Translate what aiohttp, asyncio, ssl and the operating system raise into errors of ours."""

import errno
import socket
import ssl
from enum import Enum
from types import TracebackType

import aiohttp
from aiohttp import http_exceptions

from downloader.errors import (
    BadUrlError,
    BlockedError,
    ConnectError,
    DnsError,
    NoDescriptorError,
    ProtocolError,
    RedirectError,
    TimedOutError,
    TlsError,
    TruncatedError,
    UrlError,
)
from downloader.http.connection import BlockedAddressError
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url


class RequestPhase(Enum):
    """How far a request had come; the same broken connection means another thing in each."""

    REQUEST = "request"
    BODY = "body"


#: What connecting to several addresses says when each failed in its own way.
_SEVERAL = "Multiple exceptions"
#: Name resolution that failed for the moment (RFC 3493: EAI_AGAIN), not for good.
_TRY_AGAIN = frozenset({socket.EAI_AGAIN})
_CERTIFICATE = {
    9: "the certificate is not valid yet",
    10: "certificate expired",
    18: "self-signed certificate",
    19: "self-signed certificate in the chain",
    20: "the certificate's issuer is not trusted",
    21: "the certificate's issuer is not trusted",
    23: "the certificate was revoked",
    62: "the certificate is for another host name",
    64: "the certificate is for another address",
}
#: Of these, the ones that will be the same in a moment, as curl and wget see it as well.
_LASTING = frozenset(
    {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
)
#: Certificates that are good once their issuer is trusted.
_UNTRUSTED = frozenset({18, 19, 20, 21})
_NETWORK = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by the server",
    errno.ECONNABORTED: "connection aborted",
    errno.EPIPE: "connection closed by the server",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "the network is unreachable",
    errno.ETIMEDOUT: "the connection timed out",
    errno.EADDRNOTAVAIL: "no local address to connect from",
}


class ErrorTranslator:
    """Turns every expected exception inside its block into a :class:`UrlError`.

    What is not expected (a defect) passes unchanged, and so does cancellation. It is entered
    several times for each URL, so it is a class: one made by ``contextlib`` costs three times more.
    """

    __slots__ = ("_phase", "_url")

    def __init__(self, phase: RequestPhase, url: Url) -> None:
        self._phase = phase
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        match error:
            case None:
                return
            case aiohttp.ClientError() | http_exceptions.HttpProcessingError() | OSError():
                raise translate(error, self._phase, self._url) from error
            case UnicodeError() if "idna" in str(error):
                # The URL standard allows labels that the name system does not: empty ones, or
                # of over 63 bytes.
                host = urls.host(self._url)
                raise DnsError(f"cannot resolve {host}: no name of a host") from error
            case ValueError():
                # aiohttp refuses header values and URLs with line breaks in this way.
                raise BadUrlError(f"the request cannot be made: {_say(error)}") from error


def translate(error: BaseException, phase: RequestPhase, url: Url) -> UrlError:
    """Return what *error* means for *url*, which was being fetched."""
    if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):
        return NoDescriptorError("out of file descriptors")
    match error:
        case aiohttp.ClientConnectorError(os_error=BlockedAddressError()):
            return BlockedError(
                f"{urls.host(url)} is not on the public internet", hint="see --block-private"
            )
        case aiohttp.ClientConnectorDNSError():
            return _dns(error.os_error, urls.host(url))
        case aiohttp.ClientConnectorCertificateError():
            return _certificate(error.certificate_error)
        case aiohttp.ClientSSLError():
            return TlsError(f"TLS handshake failed: {_say_ssl(error.os_error)}")
        case aiohttp.ServerFingerprintMismatch():
            return TlsError("the certificate is not the expected one")
        case aiohttp.ClientProxyConnectionError():
            return ConnectError(f"cannot connect to the proxy: {_say_os(error.os_error)}")
        case aiohttp.ClientHttpProxyError():
            return ConnectError(f"the proxy answered {error.status}", retryable=False)
        case aiohttp.ClientConnectorError():
            # Its own text is "[None]" where the system gave no number.
            return _connection(error.os_error)
        case aiohttp.ConnectionTimeoutError():
            return TimedOutError("no connection in time", hint="see --connect-timeout")
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return TimedOutError("no data for too long", hint="see --read-timeout")
        case aiohttp.ServerDisconnectedError() if phase is RequestPhase.REQUEST:
            return ConnectError("the server closed the connection without an answer")
        case aiohttp.ClientPayloadError():
            return _payload(error)
        case http_exceptions.HttpProcessingError():
            return _bad_http(error)
        case aiohttp.TooManyRedirects() | aiohttp.RedirectClientError():
            return RedirectError("a redirect that cannot be followed")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return BadUrlError("the address cannot be requested")
        case aiohttp.ClientResponseError():
            return _bad_http(error)
        case ssl.SSLError():
            return TlsError(f"TLS failed: {_say_ssl(error)}")
        case OSError() | aiohttp.ClientConnectionError() if phase is RequestPhase.BODY:
            return TruncatedError(f"the connection broke in the body: {_say_os(error)}")
        case OSError() | aiohttp.ClientConnectionError():
            return _connection(error)
        case _:
            return ProtocolError(f"the exchange failed: {_say(error)}")


def _connection(error: BaseException) -> ConnectError:
    lasting = getattr(error, "errno", None) in _LASTING
    return ConnectError(_say_os(error), retryable=not lasting)


def _dns(error: OSError, host: str) -> DnsError:
    again = error.errno in _TRY_AGAIN
    return DnsError(
        f"cannot resolve {host}" + (" for the moment" if again else ""), retryable=again
    )


def _certificate(error: Exception) -> TlsError:
    code = getattr(error, "verify_code", 0)
    said = str(getattr(error, "verify_message", "")) or "not accepted"
    message = _CERTIFICATE.get(code, f"the certificate was refused: {printable(said)}")
    if code in _UNTRUSTED:
        return TlsError(message, hint="--cacert FILE trusts another authority")
    return TlsError(message, hint="--insecure accepts it")


def _payload(error: aiohttp.ClientPayloadError) -> UrlError:
    """Tell a body that ended early from one whose chunks make no sense."""
    cause = error.__cause__
    if isinstance(cause, http_exceptions.BadHttpMessage) and not isinstance(
        cause, http_exceptions.ContentLengthError
    ):
        said = str(cause.message)
        if "Not enough data" not in said:
            return ProtocolError(f"the body's framing is broken: {_first_line(said)}")
    if "Content-Length" in str(cause or error) or "ContentLength" in repr(cause or error):
        return TruncatedError("the body is shorter than its Content-Length")
    if "Transfer-Encoding" in str(cause or error) or "TransferEncoding" in repr(cause or error):
        return TruncatedError("the body ended without its last chunk")
    return TruncatedError("the connection broke in the body")


def _bad_http(error: http_exceptions.HttpProcessingError | aiohttp.ClientResponseError) -> UrlError:
    return ProtocolError(f"the answer is not valid HTTP: {_complaint(error)}")


def _complaint(error: BaseException) -> str:
    """Return what the parser says; the last cause is its own, the others wrap it."""
    while isinstance(error.__cause__, http_exceptions.HttpProcessingError):
        error = error.__cause__
    if isinstance(error, http_exceptions.LineTooLong):
        return "the status line or a header field is too long"
    return _first_line(getattr(error, "message", ""))


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return printable(line[:120]).rstrip(":")


def _say(error: BaseException) -> str:
    return _first_line(str(error) or type(error).__name__)


def _say_ssl(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else _say(error)


def _say_os(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if number in _NETWORK:
        return _NETWORK[number]
    said = getattr(error, "strerror", None) or str(error) or "the connection broke"
    if said.startswith(_SEVERAL):
        return "none of the host's addresses could be connected to"
    return _first_line(said)
