"""A small site on loopback, so that the first command works without a network."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}
#: The last of these does not exist: the demonstration shows a failure, too.
_PATHS = ("/", "/tides.html", "/style.css", "/lighthouse.png", "/news", "/long-read.html", "/lost")
_FILES = {"/": "index.html"}
_REDIRECTS = {"/news": "/tides.html"}
_COMPRESSED = frozenset({"/long-read.html"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path in _REDIRECTS:
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", _REDIRECTS[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        name = _FILES.get(self.path, self.path.lstrip("/"))
        file = resources.files("downloader.cli") / "demo_site" / name
        if self.path not in _PATHS or not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = file.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES[name.rpartition(".")[2]])
        if self.path in _COMPRESSED:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Stay silent: the terminal belongs to the downloader."""


@contextmanager
def demo_site() -> Iterator[tuple[str, ...]]:
    """Serve the built-in site on a free loopback port, and give the addresses to download."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="demo site", daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        yield tuple(base + path for path in _PATHS)
    finally:
        server.shutdown()
        server.server_close()
