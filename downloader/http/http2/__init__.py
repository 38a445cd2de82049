"""HTTP/2 (RFC 9113): one connection to an origin, and a stream for each request.

The library h2 has the state of the protocol and the compression of fields. This package has what
depends on a downloader: which connection a request uses, how much memory bodies may take, which
faults concern one stream and which all of them, and limits on what servers send.

``connection`` and ``fields`` are imported when the first server takes HTTP/2: with
h2 and hpack they are most of the package.
"""

from downloader.http.http2.origins import Http2Origin, Http2Origins, Negotiated
from downloader.http.http2.settings import Http2Settings
from downloader.http.http2.stream import Http2Response, Http2Stream
from downloader.http.http2.windows import WindowBudget

__all__ = [
    "Http2Origin",
    "Http2Origins",
    "Http2Response",
    "Http2Settings",
    "Http2Stream",
    "Negotiated",
    "WindowBudget",
]
