"""A connection that carries many requests at once.

Bytes from the transport are split into frames, h2 turns each frame into events, and events go to
the streams that they concern. What is to be sent is written once per iteration of the event loop.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from h2.errors import ErrorCodes
from h2.events import (
    Event,
    InformationalResponseReceived,
    PingAckReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import NoAvailableStreamIDError
from h2.exceptions import ProtocolError as H2ProtocolError
from h2.settings import SettingCodes
from hpack import HeaderTuple

from downloader.errors import (
    NotHttpError,
    ProtocolError,
    TruncatedError,
    UrlError,
)
from downloader.http.http2.errors import (
    ConnectionDiedError,
    FrameError,
    NotProcessedError,
    fault_of,
    goaway_error,
    reset_error,
    stalled,
)
from downloader.http.http2.fields import request_as_http1, request_fields
from downloader.http.http2.frames import (
    END_STREAM,
    STREAM_ID_MASK,
    Frame,
    FrameSplitter,
    FrameType,
    window_update,
)
from downloader.http.http2.h2_connection import h2_connection
from downloader.http.http2.settings import Http2Settings
from downloader.http.http2.stream import Http2Response, Http2Stream
from downloader.http.http2.upload import Uploads
from downloader.http.http2.waiting_requests import WaitingRequests
from downloader.http.tls_errors import tls_failure
from downloader.models import Request
from downloader.web.urls import Url

#: Requests at once if the server does not say how many it takes (RFC 9113, section 6.5.2).
DEFAULT_MAX_STREAMS = 100
#: No server gets more requests at once, whatever it allows.
_MAX_STREAMS = 1000
#: Window of a connection, and the part that is used before it is opened again.
_CONNECTION_WINDOW_BYTES = 1 << 30
_CONNECTION_WINDOW_STEP_BYTES = 1 << 28
_INITIAL_CONNECTION_WINDOW_BYTES = 65_535
#: Bytes that may wait to be sent, if the server reads nothing: acknowledgements, and requests.
_MAX_UNSENT_BYTES = 1024 * 1024
#: An idle connection is closed after this time.
_IDLE_SECONDS = 15.0
#: Checks for stalled streams in each read timeout.
_CHECKS_PER_TIMEOUT = 8
#: Share of the read timeout after which a silent server gets a PING, and after which an unanswered
#: PING means that the connection is dead.
_SILENT_SHARE = 3 / 8
_PING = b"download"
#: Size of the last stream and the code in the payload of GOAWAY (RFC 9113, section 6.8).
_MIN_GOAWAY_BYTES = 8


class Http2Connection(asyncio.Protocol):
    """One connection, whose transport has negotiated HTTP/2.

    Attributes:
        max_streams: how many requests the server takes at once.
        ip_address: of the server.
        loop: the event loop.
    """

    def __init__(self, settings: Http2Settings, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.budget = settings.budget
        self.max_streams = DEFAULT_MAX_STREAMS
        self.ip_address = ""
        self._settings = settings
        self._h2 = h2_connection(self.budget)
        self._splitter = FrameSplitter()
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, Http2Stream] = {}
        self._waiting = WaitingRequests(loop, settings.read_timeout, self._free_places)
        self._uploads = Uploads(self._h2, lambda: not self._write_paused, self._upload_sent)
        self._handlers: dict[type[Event], Callable[[Event], None]] = {
            ResponseReceived: self._response_received,
            StreamEnded: self._stream_ended,
            StreamReset: self._stream_reset,
            InformationalResponseReceived: self._interim_received,
            RemoteSettingsChanged: self._settings_received,
            PingAckReceived: self._ping_acknowledged,
            WindowUpdated: self._window_updated,
        }
        self._settings_seen = self._going_away = self._write_paused = False
        self._flush_scheduled = False
        #: Frames to send that do not pass through h2.
        self._outgoing: list[bytes] = []
        self._window_used = 0
        #: Bytes that may still arrive on streams that were reset.
        self._unwanted_bytes = 0
        self._received_at = 0.0
        self._ping_sent_at = 0.0
        self._watcher: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        """Whether new requests may be made."""
        transport = self._transport
        return transport is not None and not self._going_away and not transport.is_closing()

    @property
    def idle(self) -> bool:
        """Whether no request is being made."""
        return not self._streams and not self._waiting

    def _free_places(self) -> int | None:
        """Return how many more requests may be made now; None if the connection is not usable."""
        if not self.usable:
            return None
        return 0 if self._write_paused else max(0, self.max_streams - len(self._streams))

    async def request(
        self, url: Url, host: str, fields: list[HeaderTuple], request: Request | None = None
    ) -> Http2Response:
        """Request *url*, and return its response once its head has come.

        Args:
            url: of the origin of this connection.
            host: replaces the host of the URL, if it is not empty.
            fields: see :func:`~downloader.http.http2.fields.header_fields`.
            request: its method and body; None for a GET without a body.

        Raises:
            NotProcessedError: the request may be made again on another connection.
            UrlError: no response.
        """
        if len(self._streams) >= self.max_streams or self._write_paused:
            await self._waiting.wait()
        if not self.usable:
            raise NotProcessedError
        sent = request_fields(url, host, fields, request)
        body = request.body if request is not None else None
        try:
            stream_id = self._h2.get_next_available_stream_id()
        except NoAvailableStreamIDError:
            # After a billion requests, a connection has no number left for another one.
            self._going_away = True
            raise NotProcessedError from None
        self._h2.send_headers(stream_id, sent, end_stream=not body)
        self._splitter.request_sent()
        has_response_body = request is None or request.method != "HEAD"
        window = self.budget.open()
        stream = Http2Stream(self, stream_id, window, expects_body=has_response_body)
        self._streams[stream_id] = stream
        if body:
            self._uploads.add(stream_id, body)
        self._flush_soon()
        sent_at = self.loop.time()
        try:
            head = await stream.wait_for_head()
        except BaseException:
            self.release(stream)
            raise
        response = Http2Response(self, stream, head, self.loop.time() - sent_at)
        if self._settings.keep_requests:
            response.request = request_as_http1(sent, body or b"")
        return response

    def release(self, stream: Http2Stream) -> None:
        """End a stream whose response is not needed any further."""
        if not stream.ended:
            self._reset(stream, ErrorCodes.CANCEL)
        stream.ended = True
        self._forget(stream)
        stream.discard()

    def open_window(self, stream_id: int, increment: int) -> None:
        """Let the server send *increment* more bytes on a stream."""
        if self._transport is not None and stream_id in self._streams:
            self._outgoing.append(window_update(stream_id, increment))
            self._flush_soon()

    def close(self) -> None:
        """End the connection; requests that are being made fail."""
        if self._transport is not None:
            self._h2.close_connection()
            self._flush()
            self._transport.close()
        self._end(ConnectionDiedError())

    def watch(self) -> None:
        """Start to look after the streams that wait for the server."""
        if self._watcher is None:
            self._received_at = max(self._received_at, self.loop.time())
            seconds = self._settings.read_timeout / _CHECKS_PER_TIMEOUT
            self._watcher = self.loop.call_later(seconds, self._check)

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, while it is open."""
        return self._transport

    # Callbacks of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface and the settings (RFC 9113, section 3.4)."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.ip_address = str(peer[0]) if peer else ""
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(
            _CONNECTION_WINDOW_BYTES - _INITIAL_CONNECTION_WINDOW_BYTES
        )
        self._flush()
        self._start_idle_timer()

    def data_received(self, data: bytes) -> None:
        """Handle the frames that have come."""
        self._received_at = self.loop.time()
        frame: Frame | None = None
        try:
            for frame in self._splitter.split(data):
                self._frame_received(frame)
        except FrameError as error:
            self._fail_connection(error.message, error.stream_id, error.code)
        except H2ProtocolError as error:
            self._fail_connection(fault_of(error), frame.stream_id if frame else 0, None)
        self._flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the streams that the server has not ended."""
        self._transport = None
        self._end(ConnectionDiedError(tls_failure(exc) if isinstance(exc, ssl.SSLError) else None))

    def pause_writing(self) -> None:
        """Make no more requests: the server does not read."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Make requests again."""
        self._write_paused = False
        self._uploads.send()
        self._waiting.wake()

    def _frame_received(self, frame: Frame) -> None:
        """Handle a frame; a response that is faulty fails alone."""
        stream = self._streams.get(frame.stream_id)
        try:
            if frame.kind == FrameType.DATA and stream is not None:
                self._body_received(stream, frame)
            elif frame.kind == FrameType.DATA and self._is_unwanted(frame):
                self._use_window(frame.payload_bytes)
            elif frame.kind == FrameType.GOAWAY:
                # h2 would refuse everything that comes after it.
                self._goaway_received(frame.payload)
            else:
                for event in self._h2.receive_data(frame.data):
                    handler = self._handlers.get(type(event))
                    if handler is not None:
                        handler(event)
        except UrlError as error:
            if stream is None:
                raise
            if not stream.ended:
                self._reset(stream, ErrorCodes.PROTOCOL_ERROR)
            stream.fail(error)
            self._forget(stream)

    def _body_received(self, stream: Http2Stream, frame: Frame) -> None:
        """Take a piece of a body.

        It does not pass through h2, whose work for each frame would be the largest part of all: a
        gigabyte has more than 100,000 frames. At its end, the stream is removed from h2.
        """
        size = frame.payload_bytes
        self._use_window(size)
        stream.data_received(frame.body(), size)
        if frame.flags & END_STREAM:
            if stream.stream_id not in self._uploads:
                self._h2.streams.pop(stream.stream_id, None)
            self._response_ended(stream)
            self._forget(stream)

    def _is_unwanted(self, frame: Frame) -> bool:
        """Return whether a frame was on its way when its stream was reset.

        h2 would reset the stream once more for each, which servers may take for an attack.
        """
        size = frame.payload_bytes
        known = 0 < frame.stream_id <= self._h2.highest_outbound_stream_id
        if not known or size > self._unwanted_bytes:
            return False
        self._unwanted_bytes -= size
        return True

    def _use_window(self, size: int) -> None:
        """Take *size* bytes of the connection's window, which is opened again from time to time."""
        self._window_used += size
        if self._window_used >= _CONNECTION_WINDOW_STEP_BYTES:
            self._outgoing.append(window_update(0, self._window_used))
            self._window_used = 0

    # Events of h2.

    def _response_received(self, event: Event) -> None:
        event = cast("ResponseReceived", event)
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.head_received(event.headers, self._splitter.head_bytes)

    def _interim_received(self, event: Event) -> None:
        event = cast("InformationalResponseReceived", event)
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.interim_received()

    def _stream_ended(self, event: Event) -> None:
        stream = self._streams.get(cast("StreamEnded", event).stream_id)
        if stream is not None:
            self._response_ended(stream)

    def _response_ended(self, stream: Http2Stream) -> None:
        """End a stream; a request that the server does not need any more is not sent to its end.

        See RFC 9113, section 8.1.
        """
        if self._uploads.remove(stream.stream_id):
            self._reset(stream, ErrorCodes.NO_ERROR)
        stream.end_received()
        self._forget(stream)

    def _stream_reset(self, event: Event) -> None:
        event = cast("StreamReset", event)
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.fail(
                reset_error(
                    event.error_code,
                    in_body=stream.head is not None,
                    knows_limits=self._settings_seen,
                )
            )
            self._forget(stream)

    def _settings_received(self, event: Event) -> None:
        changed = cast("RemoteSettingsChanged", event).changed_settings
        if SettingCodes.MAX_CONCURRENT_STREAMS in changed:
            new = changed[SettingCodes.MAX_CONCURRENT_STREAMS].new_value
            self.max_streams = min(new, _MAX_STREAMS)
            self._waiting.wake()
        self._settings_seen = True
        self._uploads.send()

    def _window_updated(self, event: Event) -> None:
        self._uploads.send(cast("WindowUpdated", event).stream_id)

    def _ping_acknowledged(self, event: Event) -> None:
        self._ping_sent_at = 0.0

    def _goaway_received(self, payload: bytes) -> None:
        """Make no more requests; give back those that the server will not process."""
        if len(payload) < _MIN_GOAWAY_BYTES:
            raise FrameError("a GOAWAY frame that is too short", 0)
        self._going_away = True
        last_stream_id = int.from_bytes(payload[:4], "big") & STREAM_ID_MASK
        code = int.from_bytes(payload[4:8], "big")
        for stream in list(self._streams.values()):
            if stream.stream_id > last_stream_id:
                stream.fail(goaway_error(code))
                self._forget(stream)
        self._waiting.wake()
        self._close_if_done()

    # Sending.

    def _reset(self, stream: Http2Stream, code: ErrorCodes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._h2.reset_stream(stream.stream_id, code)
            self._unwanted_bytes += max(0, stream.window_left)
            self._flush_soon()

    def _upload_sent(self, stream_id: int) -> None:
        """Write a frame of a request's body; only then is it known whether the server reads."""
        now = self._uploads.sent_at = self.loop.time()
        stream = self._streams.get(stream_id)
        if stream is not None and stream.waiting_since:
            stream.waiting_since = now
        # The server may open its windows with a frame for each of ours.
        self._splitter.request_sent()
        self._flush()

    def _flush_soon(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        data = self._h2.data_to_send()
        if self._outgoing:
            data += b"".join(self._outgoing)
            self._outgoing.clear()
        transport = self._transport
        if not data or transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            transport.abort()

    # The life of streams.

    def _forget(self, stream: Http2Stream) -> None:
        """Free the place of a stream that has ended."""
        if self._streams.pop(stream.stream_id, None) is None:
            return
        self._uploads.remove(stream.stream_id)
        stream.close()
        if self._waiting:
            self._waiting.wake()
        if not self._streams:
            self._close_if_done()

    def _close_if_done(self) -> None:
        """Close a connection that is going away once its last stream has ended."""
        if self.idle and self._transport is not None:
            if self._going_away:
                self._transport.close()
            else:
                self._start_idle_timer()

    def _fail_connection(self, message: str, stream_id: int, code: ErrorCodes | None) -> None:
        """End the connection over a frame, for which its stream fails if it has one.

        For all others, the connection has broken.
        """
        message = f"the response is not valid HTTP/2: {message}"
        culprit = self._streams.get(stream_id)
        if culprit is not None:
            culprit.fail(ProtocolError(message))
            self._forget(culprit)
        if self._transport is not None:
            if code is not None:
                self._h2.close_connection(code)
            self._flush()
            self._transport.close()
        self._end(ConnectionDiedError(NotHttpError(message) if culprit is None else None))

    def _end(self, error: Exception) -> None:
        """Fail all streams: those that have a head in their bodies, the others with *error*."""
        self._going_away = True
        for timer in (self._watcher, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._watcher = self._idle_timer = None
        for stream in list(self._streams.values()):
            if stream.head is not None and isinstance(error, ConnectionDiedError):
                stream.fail(TruncatedError("the connection broke in the body"))
            else:
                stream.fail(error)
            self._forget(stream)
        self._waiting.wake()

    # Timeouts.

    def _check(self) -> None:
        """Fail the streams that have waited for too long, and find out whether the server lives.

        A server may take long for one response. But one that does not answer a PING is gone, with
        all responses.
        """
        now, limit = self.loop.time(), self._settings.read_timeout
        patience = limit * _SILENT_SHARE
        self._watcher = None
        if self._ping_sent_at and now - max(self._ping_sent_at, self._received_at) > patience:
            if self._transport is not None:
                self._transport.abort()
            self._end(stalled())
            return
        if not self._ping_sent_at and now - self._received_at > patience:
            self._ping_sent_at = now
            self._h2.ping(_PING)
            self._flush()
        waiting = False
        for stream in list(self._streams.values()):
            if not stream.waiting_since:
                continue
            if now - self._uploads.waiting_since(stream.stream_id, stream.waiting_since) > limit:
                if not stream.ended:
                    self._reset(stream, ErrorCodes.CANCEL)
                stream.fail(stalled())
                self._forget(stream)
            else:
                waiting = True
        if waiting:
            self._watcher = self.loop.call_later(limit / _CHECKS_PER_TIMEOUT, self._check)

    def _start_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = self.loop.call_later(_IDLE_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._idle_timer = None
        if self.idle:
            self.close()
