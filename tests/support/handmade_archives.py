"""Web archives made by hand, record by record, as other tools or attackers may make them."""

import gzip
from itertools import count

URL = "http://h.test/p"
PAGE = b"<!doctype html><title>t</title><p>the page itself"
HTML = "Content-Type: text/html"
HTTP = {
    "request": "application/http; msgtype=request",
    "response": "application/http; msgtype=response",
    "revisit": "application/http; msgtype=response",
}
_numbers = count()


def record(kind: str, block: bytes, *fields: str, url: str = URL, second: int = 0) -> bytes:
    """Return a WARC record; a field given replaces the usual one of that name."""
    usual = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-4000-8000-{next(_numbers):012d}>",
        "WARC-Date": f"2024-01-01T00:00:{second:02d}Z",
        "WARC-Target-URI": url,
        "Content-Type": HTTP.get(kind, "text/plain"),
        "Content-Length": str(len(block)),
    }
    given = dict(field.split(": ", 1) for field in fields)
    lines = [f"{name}: {value}" for name, value in {**usual, **given}.items()]
    return "\r\n".join(["WARC/1.0", *lines, "", ""]).encode() + block + b"\r\n\r\n"


def http(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + body


def request(method: str = "GET") -> bytes:
    return f"{method} /p HTTP/1.1\r\nHost: h.test\r\n\r\n".encode()


def warc_gz(*records: bytes) -> bytes:
    return b"".join(gzip.compress(each, mtime=0) for each in records)
