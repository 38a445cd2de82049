"""How connections use TLS: authorities, versions, ciphers, and the user's certificate."""

import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from downloader.errors import RunError
from downloader.http.client_certificate import ClientCertificate
from downloader.models import NetworkOptions

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class TlsChoice:
    """How one request uses TLS, as aiohttp takes it; connections are shared by equal choices only.

    Attributes:
        context: that with the user's certificate, or True for the usual one.
        server_hostname: whom the server's certificate has to name, if that is not the URL's host.
    """

    context: ssl.SSLContext | bool = True
    server_hostname: str | None = None


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The settings that all connections of a client share.

    Attributes:
        cacert: a PEM file of the authorities to trust; None for those of the system.
        insecure: whether any certificate of a server is accepted.
        minimum: the lowest version, such as ``1.2``; None for the default.
        ciphers: those of TLS 1.2 and older, as OpenSSL writes them; None for the default.
        certificate: the user's own, for some servers only.
    """

    cacert: Path | None = None
    insecure: bool = False
    minimum: str | None = None
    ciphers: str | None = None
    certificate: ClientCertificate | None = None

    @classmethod
    def from_options(cls, options: NetworkOptions) -> "TlsSettings":
        """Return the settings that *options* ask for; their files have been read.

        Raises:
            RunError: a file, or the list of ciphers, cannot be used.
        """
        settings = cls(
            None if options.insecure else options.cacert,
            options.insecure,
            options.tls_min,
            options.ciphers,
            ClientCertificate.from_options(options),
        )
        if not (settings.cacert or settings.ciphers or settings.certificate):
            # To load the system's authorities takes a while, and many runs need none.
            return settings
        try:
            settings.context(certified=settings.certificate is not None)
        except (OSError, ssl.SSLError) as error:
            raise RunError(
                f"{options.cacert} holds no certificates that can be used", hint="see --cacert"
            ) from error
        return settings

    def context(self, *, http2: bool = False, certified: bool = False) -> ssl.SSLContext:
        """Return a TLS context, always the same one for the same arguments.

        A certificate that names its host only as the common name of its subject is refused, as by
        curl and browsers (RFC 9110, section 4.3.4, and RFC 9525, section 2).

        Args:
            http2: offer HTTP/2, too (RFC 7301; RFC 9113, section 3.2).
            certified: send the user's certificate to a server that asks for one.

        Raises:
            OSError: the file of authorities cannot be used.
            RunError: the list of ciphers, or the user's certificate, cannot be used.
        """
        return tls_context(self, http2, certified)


@cache
def tls_context(settings: TlsSettings, http2: bool, certified: bool) -> ssl.SSLContext:
    """Return the context for :meth:`TlsSettings.context`."""
    context = ssl.create_default_context(cafile=settings.cacert)
    context.hostname_checks_common_name = False
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.minimum is not None:
        context.minimum_version = _VERSIONS[settings.minimum]
    ciphers = settings.ciphers
    if ciphers is None and settings.minimum in ("1.0", "1.1"):
        # OpenSSL 3 has the hash functions of these versions on its lowest level only.
        ciphers = "DEFAULT:@SECLEVEL=0"
    if ciphers is not None:
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError:
            raise RunError("OpenSSL knows none of these ciphers", hint="see --ciphers") from None
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    if certified and settings.certificate is not None:
        settings.certificate.load_into(context)
        # A server may ask once it has seen which path is requested (RFC 8446, section 4.6.2).
        context.post_handshake_auth = True
    return context
