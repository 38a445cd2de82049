"""Servers that ask for a certificate of their client, and files to answer with."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization

from tests.support.http2_gateway import http2_gateway
from tests.support.web_server import Site

#: Whom the certificate names.
NAME = "ada@example.org"
PASSWORD = "open: sesame"


@dataclass(frozen=True)
class CertificateFiles:
    """Files of one test.

    Attributes:
        authority: who has issued all certificates.
        cacert: the certificate of the authority.
        both: the client's certificate and its key.
        cert: its certificate alone.
        key: its key alone.
        encrypted: its key, encrypted with :data:`PASSWORD`.
        other_key: the key of another certificate.
    """

    authority: trustme.CA
    cacert: Path
    both: Path
    cert: Path
    key: Path
    encrypted: Path
    other_key: Path

    @classmethod
    def write(cls, folder: Path) -> "CertificateFiles":
        """Issue certificates, and write them into *folder*."""
        authority = trustme.CA()
        files = cls(
            authority,
            *(
                folder / f"{name}.pem"
                for name in ("ca", "both", "cert", "key", "encrypted", "other-key")
            ),
        )
        client, other = (authority.issue_cert(name) for name in (NAME, "bob@example.org"))
        key = client.private_key_pem.bytes()
        chain = b"".join(each.bytes() for each in client.cert_chain_pems)
        encrypted = serialization.load_pem_private_key(key, None).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
        authority.cert_pem.write_to_path(str(files.cacert))
        files.both.write_bytes(chain + key)
        files.cert.write_bytes(chain)
        files.key.write_bytes(key)
        files.encrypted.write_bytes(encrypted)
        other.private_key_pem.write_to_path(str(files.other_key))
        return files

    def server_context(self, verify: ssl.VerifyMode) -> ssl.SSLContext:
        """Return the TLS context of a server that asks for certificates of the authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = verify
        return context


@dataclass(frozen=True)
class CertifiedSite:
    """A web server over TLS.

    Attributes:
        site: its pages, and the requests that came.
        port: where it listens.
    """

    site: Site
    port: int

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return the URL of a path."""
        return f"https://{host}:{self.port}{path}"

    def clients(self) -> list[tuple[str, str, str]]:
        """Return host, path, and the name in the client's certificate, of each request."""
        return sorted(
            (
                request.url.host or "",
                request.path,
                # The gateway of HTTP/2 has seen the certificate.
                request.get(_CLIENT, "") or request.headers.get("X-Client", ""),
            )
            for request in self.site.requests
        )


#: Where a request keeps the name in its client's certificate.
_CLIENT = web.RequestKey("client", str)


@asynccontextmanager
async def certified_site(
    site: Site, files: CertificateFiles, *, verify: ssl.VerifyMode, http2: bool
) -> AsyncIterator[CertifiedSite]:
    """Run a server over TLS with the pages of *site*, over HTTP/1.1 or HTTP/2."""
    tls = files.server_context(verify)
    if http2:
        async with http2_gateway(site.server.port or 0, tls=tls) as gateway:
            yield CertifiedSite(site, gateway.port)
        return

    async def answer(request: web.Request) -> web.StreamResponse:
        certificate = request.get_extra_info("peercert")
        request[_CLIENT] = certificate["subjectAltName"][0][1] if certificate else ""
        return await site.answer(request)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server(ssl=tls)
    try:
        yield CertifiedSite(site, server.port or 0)
    finally:
        await server.close()
