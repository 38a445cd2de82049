"""The site that is mirrored by tests: every construct, two hosts, four encodings.

Its pages are the files of ``mirror_site``. Pictures are drawn when they are asked for, each
address in a colour of its own, so that a screenshot shows which one was loaded.
"""

import base64
import hashlib
import re
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.test_utils import TestServer

FILES = Path(__file__).parents[1] / "data" / "mirror_site"
#: What a browser is to open.
PAGES = [
    *("/index.html", "/sub/page.html", "/latin.html", "/sjis.html", "/wide.html", "/based.html"),
    *("/frames.html", "/page.xhtml", "/refresh.html", "/sub/frame.html"),
]
#: Content types by ending, with the encoding where the header says it.
TYPES = {
    ".html": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".vtt": "text/vtt",
    ".webmanifest": "application/manifest+json",
}
CHARSETS = {"latin.html": "windows-1252"}
REDIRECTS = {"/moved": "/sub/page.html", "/redirected.png": "CDN/img/redirected.png"}
_PLACEHOLDER = re.compile(rb"\b(CDNHOST|CDN)\b|@integrity:([\w./]+)")


@dataclass
class MirrorSite:
    """Two servers, of which the pages of the first use the second.

    Attributes:
        requests: host and path (with query) of what was asked for, in order.
    """

    main: TestServer
    other: TestServer
    requests: list[tuple[str, str]] = field(default_factory=list)

    def url(self, path: str = "/index.html") -> str:
        """Return the absolute address of a path on the first host."""
        return f"http://127.0.0.1:{self.main.port}{path}"

    @property
    def cdn(self) -> str:
        """The address of the second host."""
        return f"http://localhost:{self.other.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.requests.append((request.host, request.path_qs))
        folder = FILES / ("site" if request.host.startswith("127.") else "cdn")
        path = request.path.removesuffix("/") or "/index.html"
        if path in REDIRECTS:
            raise web.HTTPFound(REDIRECTS[path].replace("CDN", self.cdn))
        headers = {"Access-Control-Allow-Origin": "*"}
        if path.endswith(".wav"):
            return web.Response(body=tone(), content_type="audio/wav", headers=headers)
        if path.endswith(".png"):
            if request.query.get("status"):
                raise web.HTTPNotFound
            return web.Response(
                body=picture(request.host[:5].encode() + unquote_to_bytes(request.raw_path)),
                content_type="image/png",
                headers=headers,
            )
        file = folder / path.lstrip("/")
        if not file.is_file():
            raise web.HTTPNotFound
        return web.Response(
            body=self.filled(file),
            content_type=TYPES[file.suffix],
            charset=CHARSETS.get(file.name),
            headers=headers,
        )

    def filled(self, file: Path) -> bytes:
        """Return a file with the addresses and hashes that it leaves open."""

        def value(match: re.Match[bytes]) -> bytes:
            if match[1]:
                address = self.cdn if match[1] == b"CDN" else self.cdn.removeprefix("http://")
                return address.encode()
            digest = hashlib.sha256(self.filled(FILES / "site" / match[2].decode())).digest()
            return b"sha256-" + base64.b64encode(digest)

        return _PLACEHOLDER.sub(value, file.read_bytes())


@asynccontextmanager
async def mirror_site() -> AsyncIterator[MirrorSite]:
    """Serve the site on two free ports of loopback."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await site.answer(request)

    applications = [web.Application(), web.Application()]
    for application in applications:
        application.router.add_get("/{path:.*}", answer)
    main, other = (TestServer(application) for application in applications)
    site = MirrorSite(main, other)
    async with main, other:
        yield site


def picture(name: bytes) -> bytes:
    """Return a PNG of 16 by 16 pixels, in a colour that belongs to *name*."""
    row = b"\0" + hashlib.sha256(name).digest()[:3] * 16
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * 16)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def tone() -> bytes:
    """Return a tenth of a second of silence as WAV."""
    samples = b"\x80" * 800
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body
