"""The site of ``--demo``, served on loopback, so that a first try needs no network."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

_CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
}
#: The last one does not exist, so that the demonstration also shows a failure.
_PATHS = ("/", "/tides.html", "/style.css", "/lighthouse.png", "/news", "/long-read.html", "/lost")
_FILE_NAMES = {"/": "index.html"}
_REDIRECTS = {"/news": "/tides.html"}
_COMPRESSED_PATHS = frozenset({"/long-read.html"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path in _REDIRECTS:
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", _REDIRECTS[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        name = _FILE_NAMES.get(self.path, self.path.lstrip("/"))
        file = resources.files("downloader.cli") / "demo_site" / name
        if self.path not in _PATHS or not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = file.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _CONTENT_TYPES[name.rpartition(".")[2]])
        if self.path in _COMPRESSED_PATHS:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing: the terminal shows the outcomes of the run."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_arguments: object) -> None:
        """Print nothing of a connection that broke, as when the run is stopped."""


@contextmanager
def demo_site() -> Iterator[tuple[str, ...]]:
    """Serve the built-in site on a free loopback port, and return its URLs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, name="demo site", daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        yield tuple(base + path for path in _PATHS)
    finally:
        server.shutdown()
        server.server_close()
