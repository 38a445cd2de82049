"""Translate failures of TLS into errors of this package."""

from downloader.errors import TlsError
from downloader.web.text import printable

#: Messages by OpenSSL's X509_V_ERR code.
_CERTIFICATE_MESSAGES = {
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
#: X509_V_ERR codes of certificates that are valid once their issuer is trusted.
_UNTRUSTED_ISSUER = frozenset({18, 19, 20, 21})
#: Alerts that a server sends about the certificate of its client (RFC 8446, section 6.2), as
#: OpenSSL names them behind the version.
_ABOUT_CLIENT_CERTIFICATES = (
    "ALERT_ACCESS_DENIED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ALERT_UNSUPPORTED_CERTIFICATE",
)
_OLD_VERSION = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION")
#: Servers send this alert for want of a certificate in TLS 1.2, and of a common cipher.
_HANDSHAKE_FAILURE = "ALERT_HANDSHAKE_FAILURE"
_MAX_REASON_CHARACTERS = 120


def tls_failure(error: BaseException, failed: str = "TLS failed") -> TlsError:
    """Return the error for an :class:`ssl.SSLError`, which may be an alert of the server.

    Args:
        error: what ended the connection.
        failed: how the message begins.
    """
    name = str(getattr(error, "reason", None) or "")
    if name.endswith("ALERT_CERTIFICATE_REQUIRED"):
        return TlsError("the server requires a client certificate", hint="see --cert")
    hint = ""
    if name.endswith(_ABOUT_CLIENT_CERTIFICATES):
        hint = "the server wants a client certificate that it trusts: see --cert"
    elif name.endswith(_HANDSHAKE_FAILURE):
        hint = "the server may want a client certificate (--cert), or another of --ciphers"
    elif any(each in name for each in _OLD_VERSION):
        hint = "--tls-min 1.0 allows older versions"
    return TlsError(f"{failed}: {ssl_reason(error)}", hint=hint)


def broken_handshake() -> TlsError:
    """Return the error of a server that ends the connection in the handshake, without an alert.

    It does not say why. A server that is overloaded does the same, so it is asked again.
    """
    return TlsError(
        "the server closed the connection during the TLS handshake",
        hint="it may speak only older versions (--tls-min), or want a client certificate (--cert)",
        retryable=True,
    )


def refused_certificate(error: Exception) -> TlsError:
    """Return the error for an :class:`ssl.SSLCertVerificationError`."""
    code = getattr(error, "verify_code", 0)
    reason = str(getattr(error, "verify_message", "")) or "not accepted"
    message = _CERTIFICATE_MESSAGES.get(code, f"the certificate was refused: {printable(reason)}")
    if code in _UNTRUSTED_ISSUER:
        return TlsError(message, hint="--cacert FILE trusts another authority")
    return TlsError(message, hint="--insecure accepts it")


def ssl_reason(error: BaseException) -> str:
    """Return OpenSSL's reason in words."""
    reason = getattr(error, "reason", None)
    if reason:
        return str(reason).lower().replace("_", " ")
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return printable(lines[0][:_MAX_REASON_CHARACTERS]).rstrip(":")
