"""An HTTP/2 server that does whatever a test tells it to, frame by frame.

It keeps to nothing by itself but the preface, the acknowledgement of settings, and the compression
of fields: what it sends is what the test's answer sends. By default it is spoken to with prior
knowledge (RFC 9113, section 3.3); with a TLS context, HTTP/2 is negotiated.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress

from h2.settings import SettingCodes
from hpack import Decoder, Encoder
from hyperframe.frame import (
    DataFrame,
    ExtensionFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_MAX_FRAME_BYTES = 16_384

Fields = Iterable[tuple[str, str]]


def unknown_frame(kind: int, stream_id: int, body: bytes = b"") -> Frame:
    """Return a frame of a type that HTTP/2 does not have."""
    frame = ExtensionFrame(kind, stream_id, body=body)
    frame.body_len = len(body)  # hyperframe sets it only for types that it knows
    return frame


class ServerConnection:
    """One connection of a client.

    Attributes:
        number: how many connections were there before.
        open: streams that are neither answered nor reset, with their paths.
        answers_pings: whether PING frames are acknowledged.
        client: the name in the client's certificate, or an empty text.
        opens_windows: whether the client may send on once the body of its request fills a window.
    """

    def __init__(
        self, server: "Http2Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = server.connections
        self.open: dict[int, str] = {}
        self.answers_pings = True
        certificate = writer.get_extra_info("peercert")
        self.client = certificate["subjectAltName"][0][1] if certificate else ""
        self.opens_windows = server.opens_windows
        #: What has come of the bodies of requests.
        self._received_bodies: dict[int, bytearray] = {}
        self._server = server
        self._reader, self._writer = reader, writer
        self._encoder, self._decoder = Encoder(), Decoder()
        #: What is still to be sent of bodies, with whether the stream ends then, and their windows.
        self._bodies: dict[int, tuple[bytes, bool]] = {}
        self._windows: dict[int, int] = {}

    def body(self, stream_id: int) -> bytes | None:
        """Return what has come of the body of a request; None if nothing has."""
        received = self._received_bodies.get(stream_id)
        return None if received is None else bytes(received)

    def send(self, *frames: Frame | bytes) -> None:
        """Send frames, or bytes that need not be any."""
        for frame in frames:
            self._writer.write(frame if isinstance(frame, bytes) else frame.serialize())

    def head(self, stream_id: int, fields: Fields = (), status: str = "200") -> HeadersFrame:
        """Return the frame of a head."""
        block = self._encoder.encode([(":status", status), *fields])
        return HeadersFrame(stream_id, block, flags=["END_HEADERS"])

    def fields(self, stream_id: int, fields: Fields, *flags: str) -> HeadersFrame:
        """Return a frame of fields, which need not be those of a response."""
        block = self._encoder.encode([*fields])
        return HeadersFrame(stream_id, block, flags=["END_HEADERS", *flags])

    def send_body(self, stream_id: int, body: bytes, *, end: bool = True) -> None:
        """Send a body in frames, as far and as soon as the client's window allows it."""
        self._bodies[stream_id] = (body, end)
        self._send_bodies(stream_id)

    def respond(
        self, stream_id: int, body: bytes = b"", fields: Fields = (), status: str = "200"
    ) -> None:
        """Send a whole response."""
        self.send(self.head(stream_id, fields, status))
        self.send_body(stream_id, body)
        self.open.pop(stream_id, None)

    def _send_bodies(self, stream_id: int) -> None:
        body, end = self._bodies.pop(stream_id)
        initial = self._server.client_settings.get(SettingCodes.INITIAL_WINDOW_SIZE, 65_535)
        window = self._windows.get(stream_id, initial)
        while body and window:
            piece = body[: min(window, _MAX_FRAME_BYTES)]
            body, window = body[len(piece) :], window - len(piece)
            self.send(DataFrame(stream_id, piece))
        self._windows[stream_id] = window
        if body:
            self._bodies[stream_id] = (body, end)
        elif end:
            self.send(DataFrame(stream_id, flags=["END_STREAM"]))

    def reset(self, stream_id: int, code: int) -> None:
        """End a stream with an error code."""
        self.send(RstStreamFrame(stream_id, code))
        self.open.pop(stream_id, None)

    def goaway(self, last_stream_id: int, code: int = 0) -> None:
        """Say which streams will still be answered."""
        self.send(GoAwayFrame(0, last_stream_id, code))

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def run(self) -> None:
        """Serve the client until it leaves."""
        settings = SettingsFrame(0)
        settings.settings = dict(self._server.settings)
        self.send(settings)
        received = await self._reader.readexactly(len(_PREFACE))
        assert received == _PREFACE
        while True:
            frame, length = Frame.parse_frame_header(memoryview(await self._reader.readexactly(9)))
            frame.parse_body(memoryview(await self._reader.readexactly(length)))
            self._server.frames[type(frame).__name__] += 1
            self._received(frame)

    def _received(self, frame: Frame) -> None:
        match frame:
            case HeadersFrame():
                fields = {str(k): str(v) for k, v in self._decoder.decode(frame.data)}
                path = fields[":path"]
                self.open[frame.stream_id] = path
                self._server.requests.append(path)
                self._server.request_fields.append(fields)
                self._server.most_open = max(self._server.most_open, len(self.open))
                if "END_STREAM" in frame.flags or self._server.answers_early:
                    self._server.answer(self, frame.stream_id, path)
            case DataFrame():
                body = self._received_bodies.setdefault(frame.stream_id, bytearray())
                body += frame.data
                if frame.data and self.opens_windows:
                    size = len(frame.data)
                    self.send(WindowUpdateFrame(0, size), WindowUpdateFrame(frame.stream_id, size))
                if "END_STREAM" in frame.flags:
                    self._server.bodies.append(bytes(body))
                    if not self._server.answers_early:
                        self._server.answer(self, frame.stream_id, self.open[frame.stream_id])
            case SettingsFrame() if "ACK" not in frame.flags:
                self._server.client_settings = dict(frame.settings)
                self.send(SettingsFrame(0, flags=["ACK"]))
            case WindowUpdateFrame() if frame.stream_id:
                initial = self._server.client_settings.get(SettingCodes.INITIAL_WINDOW_SIZE, 65_535)
                left = self._windows.get(frame.stream_id, initial)
                self._windows[frame.stream_id] = left + frame.window_increment
                if frame.stream_id in self._bodies:
                    self._send_bodies(frame.stream_id)
            case PingFrame() if "ACK" not in frame.flags and self.answers_pings:
                self.send(PingFrame(0, frame.opaque_data, flags=["ACK"]))
            case RstStreamFrame():
                self.open.pop(frame.stream_id, None)
                self._server.resets.append(frame.error_code)


Answer = Callable[[ServerConnection, int, str], None]
Http1Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Http2Server:
    """A running server.

    Attributes:
        answer: called with the connection, the stream and the path of each request.
        settings: sent at the beginning of each connection.
        port: where it listens.
        connections: how many were made.
        requests: the paths that were asked for, in order.
        request_fields: the fields of these requests.
        most_open: the most streams that were open at once on one connection.
        frames: how many of each type the clients have sent.
        resets: the codes of the resets that clients have sent.
        bodies: of requests that came whole.
        answers_early: whether a request is answered before its body has come.
        opens_windows: see :class:`ServerConnection`; for new connections.
        client_settings: the last settings of a client.
    """

    def __init__(self, answer: Answer, settings: Mapping[int, int]) -> None:
        self.answer = answer
        self.settings = settings
        self.port = self.connections = self.most_open = 0
        self.scheme = "http"
        self.requests: list[str] = []
        self.request_fields: list[dict[str, str]] = []
        self.frames: Counter[str] = Counter()
        self.resets: list[int] = []
        self.bodies: list[bytes] = []
        self.answers_early = False
        self.opens_windows = True
        self.client_settings: dict[int, int] = {}

    def url(self, path: str) -> str:
        """Return the URL of a path on this server."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def http2_server(
    answer: Answer,
    settings: Mapping[int, int] | None = None,
    tls: ssl.SSLContext | None = None,
    http1: Http1Server | None = None,
    chosen: list[str | None] | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[Http2Server]:
    """Run a server; *http1* serves connections that have not negotiated HTTP/2.

    What was negotiated is appended to *chosen*.
    """
    server = Http2Server(answer, settings or {})
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ServerConnection(server, reader, writer)
        server.connections += 1
        writers.append(writer)
        stream = writer.get_extra_info("ssl_object")
        protocol = stream.selected_alpn_protocol() if stream is not None else None
        if chosen is not None:
            chosen.append(protocol)
        if http1 is not None and protocol != "h2":
            await http1(reader, writer)
            return
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await connection.run()
        writer.close()

    listener = await asyncio.start_server(serve, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    server.scheme = "http" if tls is None else "https"
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
