"""Translate exceptions of aiohttp, asyncio, ssl and the system into errors of this package."""

import errno
import socket
import ssl
from enum import Enum

import aiohttp
from aiohttp import http_exceptions

from downloader.errors import (
    BadUrlError,
    BlockedError,
    ConnectError,
    DnsError,
    NoDescriptorError,
    NotHttpError,
    ProtocolError,
    RedirectError,
    TimedOutError,
    TlsError,
    TruncatedError,
    UrlError,
)
from downloader.http.addresses import WrongFamilyError
from downloader.http.connection import BlockedAddressError, DripError
from downloader.http.proxies import PROXY_HINT, UnreachableProxyError
from downloader.http.tls_errors import (
    broken_handshake,
    refused_certificate,
    ssl_reason,
    tls_failure,
)
from downloader.web import urls
from downloader.web.ip_addresses import is_link_local
from downloader.web.text import printable
from downloader.web.urls import Url

#: The parser's message about a response that does not begin as one.
_NO_HTTP = "Expected HTTP/"


class RequestPhase(Enum):
    """When an exception was raised; the same broken connection is another error in each phase."""

    REQUEST = "request"
    BODY = "body"


#: Exceptions that :func:`translate` is for. Others are bugs, or a cancellation, and pass unchanged.
EXPECTED_ERRORS = (
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    OSError,
    ValueError,
)
_HANDSHAKE = "TLS handshake failed"
#: How the message begins when the addresses of a host failed in different ways.
_MULTIPLE_ERRORS = "Multiple exceptions"
#: Temporary failures of name resolution (RFC 3493, section 6.1).
_TEMPORARY_DNS_ERRORS = frozenset({socket.EAI_AGAIN})
#: Connection errors that are not retried, as in curl and wget.
_PERMANENT_ERRORS = frozenset(
    {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
)
_SYSTEM_MESSAGES = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by the server",
    errno.ECONNABORTED: "connection aborted",
    errno.EPIPE: "connection closed by the server",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "the network is unreachable",
    errno.ETIMEDOUT: "the connection timed out",
    errno.EADDRNOTAVAIL: "no local address to connect from",
}


def translate(error: BaseException, phase: RequestPhase, url: Url) -> UrlError:
    """Return the error to raise for *error*, one of :data:`EXPECTED_ERRORS`.

    Args:
        error: what ended a request.
        phase: when.
        url: the URL of the request.
    """
    if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):
        return NoDescriptorError("out of file descriptors")
    match error:
        case aiohttp.ClientConnectorError():
            return _connector(error, url)
        case UnreachableProxyError():
            return _proxy(error)
        case aiohttp.ClientHttpProxyError():
            return ConnectError(f"the proxy responded with {error.status}", retryable=False)
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return _timeout(error)
        case aiohttp.ServerDisconnectedError() if phase is RequestPhase.REQUEST:
            return ConnectError("the server closed the connection without a response")
        case aiohttp.ClientPayloadError():
            return _payload(error)
        case aiohttp.TooManyRedirects() | aiohttp.RedirectClientError():
            return RedirectError("a redirect that cannot be followed")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return BadUrlError("the address cannot be requested")
        case http_exceptions.HttpProcessingError() | aiohttp.ClientResponseError():
            return _bad_http(error)
        case aiohttp.ServerFingerprintMismatch():
            return TlsError("the certificate is not the expected one")
        case ssl.SSLError():
            return tls_failure(error)
        case aiohttp.ClientOSError(__cause__=ssl.SSLError() as cause) if (
            phase is RequestPhase.REQUEST
        ):
            # With TLS 1.3 the server judges a client's certificate after the handshake.
            return tls_failure(cause)
        case OSError() | aiohttp.ClientConnectionError() if phase is RequestPhase.BODY:
            return TruncatedError(f"the connection broke in the body: {_system_message(error)}")
        case OSError() | aiohttp.ClientConnectionError():
            return _connection(error)
        case UnicodeError() if "idna" in str(error):
            # The URL standard allows labels that DNS does not: empty, or over 63 bytes.
            return DnsError(f"cannot resolve {urls.host(url)}: not a valid host name")
        case ValueError():
            # aiohttp refuses header values and URLs with line breaks.
            return BadUrlError(f"the request cannot be made: {_message(error)}")
        case _:
            return ProtocolError(f"the exchange failed: {_message(error)}")


def _connector(error: aiohttp.ClientConnectorError, url: Url) -> UrlError:
    """Return why there is no connection for *url*: its addresses, the system, or TLS."""
    host = urls.host(url)
    match error:
        case aiohttp.ClientConnectorError(os_error=BlockedAddressError()):
            return BlockedError(f"{host} is not on the public internet", hint="see --block-private")
        case aiohttp.ClientConnectorError(os_error=WrongFamilyError(allowed=allowed)):
            return DnsError(
                f"{host} has no {allowed.version} address",
                hint=f"{allowed.option} allows no other",
            )
        case aiohttp.ClientConnectorDNSError():
            return _dns(error.os_error, host)
        case aiohttp.ClientConnectorCertificateError():
            return refused_certificate(error.certificate_error)
        case aiohttp.ClientSSLError():
            return tls_failure(error.os_error, _HANDSHAKE)
        case aiohttp.ClientConnectorError(
            os_error=ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError()
        ) if url.startswith("https:"):
            # The connection was there: one that cannot be made is refused or times out.
            return broken_handshake()
        case aiohttp.ClientConnectorError(os_error=OSError(errno=errno.EINVAL)) if is_link_local(
            urls.hostname(url).strip("[]")
        ):
            return ConnectError(
                "a link-local address needs a zone",
                hint="write it with the interface, such as [fe80::1%25eth0]",
                retryable=False,
            )
        case _:
            # Its own message is "[None]" where the system gave no error number.
            return _connection(error.os_error)


def _timeout(error: BaseException) -> TimedOutError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TimedOutError("no connection in time", hint="see --connect-timeout")
    message = str(error) if isinstance(error, DripError) else "no data for too long"
    return TimedOutError(message, hint="see --read-timeout")


def _connection(error: BaseException) -> ConnectError:
    permanent = getattr(error, "errno", None) in _PERMANENT_ERRORS
    return ConnectError(_system_message(error), retryable=not permanent)


def _proxy(error: UnreachableProxyError) -> UrlError:
    cause = error.cause
    if isinstance(cause, WrongFamilyError):
        return ConnectError(
            f"the proxy {error.proxy} has no {cause.allowed.version} address",
            hint=f"{cause.allowed.option} allows no other",
            retryable=False,
        )
    if error.unresolved:
        temporary = cause.errno in _TEMPORARY_DNS_ERRORS
        message = f"cannot resolve the proxy {error.proxy}" + (
            " for the moment" if temporary else ""
        )
        return ConnectError(message, hint=PROXY_HINT, retryable=temporary)
    if isinstance(cause, ssl.SSLError):
        if isinstance(cause, ssl.SSLCertVerificationError):
            refused = refused_certificate(cause)
            return TlsError(f"{error}: {refused.message}", hint=refused.hint)
        return TlsError(f"{error}: {_HANDSHAKE}: {ssl_reason(cause)}", hint=PROXY_HINT)
    return ConnectError(
        f"{error}: {_system_message(cause)}",
        hint=PROXY_HINT,
        retryable=cause.errno not in _PERMANENT_ERRORS,
    )


def _dns(error: OSError, host: str) -> DnsError:
    temporary = error.errno in _TEMPORARY_DNS_ERRORS
    return DnsError(
        f"cannot resolve {host}" + (" for the moment" if temporary else ""), retryable=temporary
    )


def _payload(error: aiohttp.ClientPayloadError) -> UrlError:
    """Return whether a body ended early or its chunks are malformed, as an error."""
    cause = error.__cause__
    if isinstance(cause, http_exceptions.BadHttpMessage) and not isinstance(
        cause, http_exceptions.ContentLengthError
    ):
        message = str(cause.message)
        if "Not enough data" not in message:
            return ProtocolError(f"the body's framing is broken: {_first_line(message)}")
    if "Content-Length" in str(cause or error) or "ContentLength" in repr(cause or error):
        return TruncatedError("the body is shorter than its Content-Length")
    if "Transfer-Encoding" in str(cause or error) or "TransferEncoding" in repr(cause or error):
        return TruncatedError("the body ended without its last chunk")
    return TruncatedError("the connection broke in the body")


def _bad_http(error: http_exceptions.HttpProcessingError | aiohttp.ClientResponseError) -> UrlError:
    cause = _parser_error(error)
    kind = NotHttpError if _NO_HTTP in str(getattr(cause, "message", "")) else ProtocolError
    return kind(f"the response is not valid HTTP: {_parser_message(cause)}")


def _parser_error(error: BaseException) -> BaseException:
    """Return the HTTP parser's own exception, which is the last cause."""
    while isinstance(error.__cause__, http_exceptions.HttpProcessingError):
        error = error.__cause__
    return error


def _parser_message(error: BaseException) -> str:
    if isinstance(error, http_exceptions.LineTooLong):
        return "the status line or a header field is too long"
    return _first_line(getattr(error, "message", ""))


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return printable(line[:120]).rstrip(":")


def _message(error: BaseException) -> str:
    return _first_line(str(error) or type(error).__name__)


def _system_message(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if number in _SYSTEM_MESSAGES:
        return _SYSTEM_MESSAGES[number]
    message = getattr(error, "strerror", None) or str(error) or "the connection broke"
    if message.startswith(_MULTIPLE_ERRORS):
        return "none of the host's addresses could be connected to"
    return _first_line(message)
