"""The HTTP client, on top of aiohttp: requests, redirects, credentials, retries and resumption.

This is the only package that imports aiohttp.

- ``client``: requests, and the redirects that they lead to (``redirects``).
- ``response``: a response, whose body is a stream.
- ``credentials``, ``cookies``: what is sent to which origin.
- ``connection``: aiohttp's connections, resolver and connector, with checks added.
- ``error_mapping``: exceptions of aiohttp and the system become errors of this package.
- ``retry``, ``resume``: waits before retries, and whether a response continues a partial file.
- ``capture``, ``replay``: exchanges recorded for an archive, and read from one.
- ``timings``: the phases of a request.
"""

from downloader.http.client import Client
from downloader.http.credentials import NO_ORIGIN, RedirectCookie, RedirectTrail
from downloader.http.response import Response

__all__ = ["NO_ORIGIN", "Client", "RedirectCookie", "RedirectTrail", "Response"]
