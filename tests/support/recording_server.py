"""A server that keeps each request as it came, and is a proxy as well."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_HEAD_END = b"\r\n\r\n"
_PAGE = b"<p>page"


@dataclass(frozen=True)
class RecordedRequest:
    """One request.

    Attributes:
        line: its first line.
        fields: its headers, names in lower case, sorted.
        body: its body.
    """

    line: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def without(self, names: frozenset[str]) -> "RecordedRequest":
        """Return the request without some of its headers."""
        kept = tuple((name, value) for name, value in self.fields if name not in names)
        return RecordedRequest(self.line, kept, self.body)


@dataclass
class RecordingServer:
    """A server for two clients in turn.

    A path ``/STATUS/...`` is answered with that status, ``/STATUS/to/PATH`` with a redirect to
    ``/PATH``, ``/digest`` with a challenge until there is an answer, ``/set`` with cookies, and all
    else with a page. A request for CONNECT is answered, and nothing comes after that.

    Attributes:
        port: where it listens.
        requests: those that came, in order.
    """

    port: int = 0
    requests: list[RecordedRequest] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """The origin by the address of the server."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close its connection."""
        try:
            request = await _read(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        self.requests.append(request)
        writer.write(_response(request))
        writer.close()


async def _read(reader: asyncio.StreamReader) -> RecordedRequest:
    head = (await reader.readuntil(_HEAD_END)).decode("latin-1")
    line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    split = [each.partition(":") for each in lines]
    fields = sorted((name.lower(), value.strip()) for name, _, value in split)
    size = int(dict(fields).get("content-length", "0"))
    return RecordedRequest(line, tuple(fields), await reader.readexactly(size))


def _response(request: RecordedRequest) -> bytes:
    method, target, _ = request.line.split(" ")
    path = re.sub("^http://[^/]*", "", target)
    status, fields = "200 OK", ["Content-Type: text/html"]
    if method == "CONNECT":
        return b"HTTP/1.1 200 OK\r\n\r\n"
    if found := re.match(r"/(\d{3})(?:/to(/.*))?", path):
        status = f"{found[1]} Status"
        if found[2]:
            fields.append(f"Location: {found[2]}")
    elif path.startswith("/digest") and "authorization" not in dict(request.fields):
        status = "401 Unauthorized"
        fields.append('WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')
    elif path.startswith("/set"):
        fields.extend(["Set-Cookie: a=1; Path=/", "Set-Cookie: b=2; Path=/inside"])
        fields.append("Location: /inside/page")
        status = "302 Found"
    body = b"" if method == "HEAD" else _PAGE
    head = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(_PAGE)}", "Connection: close"]
    return "\r\n".join([*head, "", ""]).encode() + body


@asynccontextmanager
async def recording_server() -> AsyncIterator[RecordingServer]:
    """Run the server on loopback."""
    recording = RecordingServer()
    server = await asyncio.start_server(recording.serve, "127.0.0.1", 0)
    recording.port = server.sockets[0].getsockname()[1]
    async with server:
        yield recording
