"""The ports of the server, and the certificates of those that speak TLS."""

import ssl
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path

import trustme

HOST = "127.0.0.1"


class Endpoint(Enum):
    """The ports of the server, by what is behind them."""

    PLAIN = "plain HTTP"
    TRUSTED = "TLS with a certificate of the test authority"
    COMMON_NAME = "TLS with a certificate that names the host only as its subject's common name"
    UNTRUSTED = "TLS with a certificate of an authority nobody knows"
    SELF_SIGNED = "TLS with a certificate that signed itself"
    EXPIRED = "TLS with a certificate that is over"
    WRONG_NAME = "TLS with a certificate for another host"
    SILENT = "connections are accepted, then nothing"
    CLOSING = "connections are closed at once"

    @property
    def scheme(self) -> str:
        """Return what the URLs of this endpoint begin with."""
        return "https" if self.value.startswith("TLS") else "http"


def save_authority(path: Path) -> None:
    """Write the certificate that vouches for the trusted endpoints as a PEM file."""
    _authority().cert_pem.write_to_path(str(path))


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def tls_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    match endpoint:
        case Endpoint.TRUSTED:
            _authority().issue_cert(HOST).configure_cert(context)
        case Endpoint.COMMON_NAME:
            _authority().issue_cert(common_name="localhost").configure_cert(context)
        case Endpoint.UNTRUSTED:
            trustme.CA().issue_cert(HOST).configure_cert(context)
        case Endpoint.EXPIRED:
            over = datetime(2020, 1, 1, tzinfo=UTC)
            _authority().issue_cert(HOST, not_after=over).configure_cert(context)
        case Endpoint.WRONG_NAME:
            _authority().issue_cert("elsewhere.test").configure_cert(context)
        case Endpoint.SELF_SIGNED:
            stranger = trustme.CA()
            both = trustme.Blob(stranger.private_key_pem.bytes() + stranger.cert_pem.bytes())
            with both.tempfile() as file:
                context.load_cert_chain(file)
        case _:
            return None
    return context
