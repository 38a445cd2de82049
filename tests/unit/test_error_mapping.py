"""Every exception of aiohttp has a meaning here, and a new one is noticed."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import client_exceptions, http_exceptions
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from downloader.errors import ErrorKind, UrlError
from downloader.http.error_mapping import EXPECTED_ERRORS, RequestPhase, translate
from downloader.web.text import printable
from downloader.web.urls import Url

ADDRESS = Url("https://example.org/")
KEY = ConnectionKey("example.org", 443, True, True, None, None, None)
REQUEST = aiohttp.RequestInfo(
    URL(ADDRESS), "GET", CIMultiDictProxy(CIMultiDict[str]()), URL(ADDRESS)
)
RESET = OSError(errno.ECONNRESET, "Connection reset by peer")
REFUSED = OSError(errno.ECONNREFUSED, "Connection refused")
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
EXPIRED = ssl.SSLCertVerificationError(1, "certificate verify failed")

#: One of each; what it means before there is a response.
CLIENT_ERRORS: list[tuple[aiohttp.ClientError, ErrorKind]] = [
    (aiohttp.ClientConnectionError("Connection lost"), ErrorKind.CONNECT),
    (aiohttp.ClientConnectionResetError("Cannot write"), ErrorKind.CONNECT),
    (aiohttp.ClientConnectorCertificateError(KEY, EXPIRED), ErrorKind.TLS),
    (aiohttp.ClientConnectorDNSError(KEY, UNKNOWN), ErrorKind.DNS),
    (aiohttp.ClientConnectorError(KEY, REFUSED), ErrorKind.CONNECT),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "handshake failure")), ErrorKind.TLS),
    (aiohttp.ClientHttpProxyError(REQUEST, (), status=407), ErrorKind.CONNECT),
    (aiohttp.ClientOSError(errno.EPIPE, "Broken pipe"), ErrorKind.CONNECT),
    (aiohttp.ClientPayloadError("Response payload is not completed"), ErrorKind.TRUNCATED),
    (aiohttp.ClientProxyConnectionError(KEY, REFUSED), ErrorKind.CONNECT),
    (aiohttp.ClientResponseError(REQUEST, (), message="Bad status line"), ErrorKind.PROTOCOL),
    (aiohttp.ClientSSLError(KEY, ssl.SSLError(1, "record layer failure")), ErrorKind.TLS),
    (aiohttp.ConnectionTimeoutError("Connection timeout"), ErrorKind.TIMEOUT),
    (aiohttp.ContentTypeError(REQUEST, (), message="unexpected type"), ErrorKind.PROTOCOL),
    (aiohttp.InvalidURL("http://"), ErrorKind.BAD_URL),
    (aiohttp.InvalidUrlClientError("http://"), ErrorKind.BAD_URL),
    (aiohttp.InvalidUrlRedirectClientError("http://"), ErrorKind.REDIRECT),
    (aiohttp.NonHttpUrlClientError("ftp://example.org"), ErrorKind.BAD_URL),
    (aiohttp.NonHttpUrlRedirectClientError("ftp://example.org"), ErrorKind.REDIRECT),
    (aiohttp.RedirectClientError(), ErrorKind.REDIRECT),
    (aiohttp.ServerConnectionError(), ErrorKind.CONNECT),
    (aiohttp.ServerDisconnectedError(), ErrorKind.CONNECT),
    (aiohttp.ServerFingerprintMismatch(b"a", b"b", "example.org", 443), ErrorKind.TLS),
    (aiohttp.ServerTimeoutError(), ErrorKind.TIMEOUT),
    (aiohttp.SocketTimeoutError("Timeout on reading data"), ErrorKind.TIMEOUT),
    (aiohttp.TooManyRedirects(REQUEST, ()), ErrorKind.REDIRECT),
    (client_exceptions.UnixClientConnectorError("/socket", KEY, REFUSED), ErrorKind.CONNECT),
    (aiohttp.WSServerHandshakeError(REQUEST, (), message="no upgrade"), ErrorKind.PROTOCOL),
]
#: These cannot come of a request without a body.
OF_UPLOADS = {"UploadAbortedError"}
#: What the parser raises, in the body without a wrapping.
PARSER_ERRORS: list[http_exceptions.HttpProcessingError] = [
    http_exceptions.BadHttpMessage("bad"),
    http_exceptions.BadHttpMethod("GTE"),
    http_exceptions.BadStatusLine("OK"),
    http_exceptions.ContentEncodingError("bad"),
    http_exceptions.ContentLengthError("bad"),
    http_exceptions.DecompressSizeError("bad"),
    http_exceptions.HttpBadRequest("bad"),
    http_exceptions.InvalidHeader(b"bad"),
    http_exceptions.InvalidURLError("bad"),
    http_exceptions.LineTooLong(b"x" * 100, 8190),
    http_exceptions.PayloadEncodingError("bad"),
    http_exceptions.TransferEncodingError("bad"),
]


def subclasses(of: type[BaseException]) -> Iterator[type[BaseException]]:
    for below in of.__subclasses__():
        # Other tests and plugins may have made classes of their own.
        if below.__module__.startswith("aiohttp."):
            yield below
        yield from subclasses(below)


@pytest.mark.parametrize(
    ("base", "known"),
    [
        (aiohttp.ClientError, [error for error, _ in CLIENT_ERRORS]),
        (http_exceptions.HttpProcessingError, PARSER_ERRORS),
    ],
    ids=["client", "parser"],
)
def test_aiohttp_has_no_exception_that_is_not_known_here(
    base: type[BaseException], known: list[BaseException]
) -> None:
    found = {below.__name__ for below in subclasses(base)} - OF_UPLOADS
    assert found == {type(error).__name__ for error in known}


@pytest.mark.parametrize(
    ("error", "kind"), CLIENT_ERRORS, ids=[type(error).__name__ for error, _ in CLIENT_ERRORS]
)
def test_each_is_translated_before_a_response(error: aiohttp.ClientError, kind: ErrorKind) -> None:
    assert kind_of(translate(error, RequestPhase.REQUEST, ADDRESS)) is kind


@pytest.mark.parametrize("error", [error for error, _ in CLIENT_ERRORS], ids=type)
def test_each_is_translated_in_the_body(error: aiohttp.ClientError) -> None:
    kind_of(translate(error, RequestPhase.BODY, ADDRESS))


@pytest.mark.parametrize("error", PARSER_ERRORS, ids=type)
def test_what_the_parser_raises_is_a_breach_of_protocol(
    error: http_exceptions.HttpProcessingError,
) -> None:
    assert kind_of(translate(error, RequestPhase.BODY, ADDRESS)) is ErrorKind.PROTOCOL


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientConnectionError("Connection lost"),
        aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"),
        aiohttp.ServerDisconnectedError(),
        ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    ],
    ids=type,
)
def test_a_connection_that_breaks_in_the_body_truncates_it(error: Exception) -> None:
    assert kind_of(translate(error, RequestPhase.BODY, ADDRESS)) is ErrorKind.TRUNCATED


def test_a_resolver_that_says_try_again_is_worth_another_try() -> None:
    busy = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    passing = translate(aiohttp.ClientConnectorDNSError(KEY, busy), RequestPhase.REQUEST, ADDRESS)
    lasting = translate(
        aiohttp.ClientConnectorDNSError(KEY, UNKNOWN), RequestPhase.REQUEST, ADDRESS
    )
    assert passing.retryable
    assert not lasting.retryable


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), ErrorKind.TIMEOUT),
        (RESET, ErrorKind.CONNECT),
        (ssl.SSLError(1, "bad record mac"), ErrorKind.TLS),
        (ValueError("Newline or carriage return character detected"), ErrorKind.BAD_URL),
        (UnicodeError("encoding with 'idna' codec failed"), ErrorKind.DNS),
        (UnicodeEncodeError("utf-8", "\udce9", 0, 1, "no surrogates"), ErrorKind.BAD_URL),
    ],
    ids=repr,
)
def test_what_python_raises_by_itself_is_translated_as_well(
    error: Exception, kind: ErrorKind
) -> None:
    assert isinstance(error, EXPECTED_ERRORS)
    assert kind_of(translate(error, RequestPhase.REQUEST, ADDRESS)) is kind


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyError("defect")], ids=repr)
def test_cancellation_and_defects_are_not_translated(error: BaseException) -> None:
    assert not isinstance(error, EXPECTED_ERRORS)


def test_a_connection_that_breaks_while_it_is_made_breaks_in_the_handshake_of_https() -> None:
    error = aiohttp.ClientConnectorError(KEY, RESET)
    over_tls = translate(error, RequestPhase.REQUEST, ADDRESS)
    assert kind_of(over_tls) is ErrorKind.TLS
    assert over_tls.retryable
    in_the_clear = translate(error, RequestPhase.REQUEST, Url("http://example.org/"))
    assert kind_of(in_the_clear) is ErrorKind.CONNECT


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "see --cert"),
        ("TLSV1_ALERT_UNKNOWN_CA", "a client certificate that it trusts"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "a client certificate that it trusts"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "may want a client certificate"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "--tls-min"),
        ("UNSUPPORTED_PROTOCOL", "--tls-min"),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", ""),
    ],
)
def test_an_alert_has_a_hint_in_the_handshake_and_behind_it(reason: str, hint: str) -> None:
    alert = ssl.SSLError(1, "an alert")
    alert.reason = reason
    after_handshake = aiohttp.ClientOSError(1, "an alert")
    after_handshake.__cause__ = alert
    for error in (aiohttp.ClientConnectorSSLError(KEY, alert), after_handshake):
        translated = translate(error, RequestPhase.REQUEST, ADDRESS)
        assert kind_of(translated) is ErrorKind.TLS
        assert (hint in translated.hint) == bool(hint or not translated.hint)


def kind_of(error: UrlError) -> ErrorKind:
    """Return the kind of an error that was recognised and can be read by a person."""
    assert not error.message.startswith("the exchange failed")
    assert error.message == printable(error.message)
    assert "Error" not in error.message
    return error.kind
