"""The HTTP client, on top of aiohttp: requests, redirects, credentials, retries and resumption.

This is the only package that imports aiohttp.

- ``client``: the requests of one URL, and the redirects that they lead to (``redirects``).
- ``request_sender``: one request, by HTTP/1.1 or HTTP/2, and through a proxy (``proxies``,
  ``tunnels``).
- ``submission``: requests with another method than GET, and with bodies.
- ``response``: a response, whose body is a stream.
- ``credentials``: which secrets are sent to which origin, those of ``netrc_file`` among them;
  ``digest`` answers challenges.
- ``cookie_jar``, ``cookies``: the cookies of a run, and how servers set them; ``cookie_file``
  reads and writes them, ``firefox`` reads those of the browser.
- ``tls_settings``, ``client_certificate``: how TLS is used, and who gets the user's certificate.
- ``connection``: aiohttp's connections, with checks added (``head_repair``); ``connector`` opens
  them.
- ``addresses``, ``zones``: where connections lead, and from where.
- ``error_mapping``, ``tls_errors``: exceptions of aiohttp, TLS and the system become errors of this
  package.
- ``retry``, ``resume``: waits before retries, and whether a response continues a partial file.
- ``capture``, ``replay``: exchanges recorded for an archive, and read from one.
- ``timings``: the phases of a request.
"""

from downloader.http.client import Client
from downloader.http.client_certificate import gets_certificate
from downloader.http.cookie_jar import CookieJar, JarContents
from downloader.http.cookies import Cookie
from downloader.http.credentials import NO_ORIGIN, RedirectTrail, without_body_headers
from downloader.http.response import Response

__all__ = [
    "NO_ORIGIN",
    "Client",
    "Cookie",
    "CookieJar",
    "JarContents",
    "RedirectTrail",
    "Response",
    "gets_certificate",
    "without_body_headers",
]
