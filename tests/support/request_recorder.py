"""A server that keeps what clients send, byte by byte, and answers each request in turn."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it was sent.

    Attributes:
        line: method, target and version.
        fields: values by names in lower case, in the order that they came.
        body: as it was sent.
    """

    line: str
    fields: dict[str, str]
    body: bytes


@dataclass
class RequestRecorder:
    """A running server.

    Attributes:
        port: where it listens.
        requests: what came.
    """

    port: int = 0
    requests: list[RecordedRequest] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def request_recorder(answers: Sequence[bytes] = ()) -> AsyncIterator[RequestRecorder]:
    """Run a server; after *answers*, all is well.

    An empty answer, and one that says so, ends the connection.
    """
    server = RequestRecorder()
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                server.requests.append(await _request(reader))
                answer = left.pop(0) if left else _OK
                writer.write(answer)
                if not answer or b"Connection: close" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server


async def _request(reader: asyncio.StreamReader) -> RecordedRequest:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    line, *lines = head.decode("latin-1").strip().split("\r\n")
    fields = dict(text.split(": ", 1) for text in lines)
    return RecordedRequest(line, {name.lower(): fields[name] for name in fields}, body)
