"""Split the bytes of a connection into frames (RFC 9113, section 4), and limit useless ones.

h2 gets them one by one. So a faulty frame is known to be the fault of its stream, and the frames
before it have been handled.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from hyperframe.frame import WindowUpdateFrame

from downloader.http.http2.errors import FloodError, FrameError

#: Size of the head of a frame (section 4.1).
FRAME_HEAD_BYTES = 9
STREAM_ID_MASK = 0x7FFF_FFFF
#: Flags of a DATA frame (RFC 9113, section 6.1).
END_STREAM = 0x1
_PADDED = 0x8
#: ``SETTINGS_MAX_FRAME_SIZE``: larger frames mean less work for each byte.
MAX_FRAME_BYTES = 64 * 1024
#: Largest head: compressed, in all its frames, and decompressed.
MAX_HEAD_BYTES = 256 * 1024
#: Limit on frames that carry neither a head nor a body: a number, and more for each useful frame.
_MAX_IDLE_FRAMES = 1000
_MAX_IDLE_FRAMES_FACTOR = 16
#: Limit on the bytes of such frames, likewise.
_MAX_IDLE_BYTES = 1024 * 1024
_MAX_IDLE_BYTES_FACTOR = 1024


class FrameType(IntEnum):
    """Types of frames that are treated here (RFC 9113, section 6)."""

    DATA = 0
    HEADERS = 1
    GOAWAY = 7
    CONTINUATION = 9


class Frame(NamedTuple):
    """One frame.

    Attributes:
        kind: its type, as a number.
        flags: as a number.
        stream_id: 0 for the connection.
        received: bytes that hold the frame.
        start, end: where it is in them.
    """

    kind: int
    flags: int
    stream_id: int
    received: bytes
    start: int
    end: int

    @property
    def data(self) -> bytes:
        """The whole frame."""
        return self.received[self.start : self.end]

    @property
    def payload(self) -> bytes:
        """The frame without its head."""
        return self.received[self.start + FRAME_HEAD_BYTES : self.end]

    @property
    def payload_bytes(self) -> int:
        """The size of the payload."""
        return self.end - self.start - FRAME_HEAD_BYTES

    def body(self) -> bytes:
        """Return the part of the body in a DATA frame, without padding.

        Raises:
            FrameError: its padding is longer than the frame.
        """
        payload = self.payload
        if not self.flags & _PADDED:
            return payload
        padding = payload[0] + 1 if payload else 1
        if padding > len(payload):
            raise FrameError("padding that is longer than its frame", self.stream_id)
        return payload[1 : len(payload) - padding + 1]


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame (section 6.9)."""
    frame = WindowUpdateFrame(stream_id, increment)
    return frame.serialize()


class FrameSplitter:
    """Splits what is received into frames.

    Attributes:
        head_bytes: of the last head and its frames: HEADERS, and CONTINUATION.
    """

    def __init__(self) -> None:
        self.head_bytes = 0
        # An incomplete frame, and how many bytes it lacks at least.
        self._pieces: list[bytes] = []
        self._missing = 0
        self._useful_frames = self._idle_frames = self._idle_bytes = 0

    def split(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that *data* completes.

        Raises:
            FrameError: a frame or a head is too large.
            FloodError: too much has come that is neither head nor body.
        """
        if self._pieces:
            self._pieces.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._pieces)
            self._pieces = []
        start, end = 0, len(data)
        while end - start >= FRAME_HEAD_BYTES:
            length = int.from_bytes(data[start : start + 3], "big")
            stream_id = int.from_bytes(data[start + 5 : start + 9], "big") & STREAM_ID_MASK
            if length > MAX_FRAME_BYTES:
                is_http1 = data.startswith(b"HTTP/", start)
                what = "it is HTTP/1.1" if is_http1 else f"a frame of {length} bytes"
                raise FrameError(what, stream_id)
            next_start = start + FRAME_HEAD_BYTES + length
            if next_start > end:
                self._missing = next_start - end
                break
            kind = data[start + 3]
            if kind == FrameType.DATA and length:
                self._useful_frames += 1
            else:
                self._limit(kind, length, stream_id)
            yield Frame(kind, data[start + 4], stream_id, data, start, next_start)
            start = next_start
        else:
            self._missing = FRAME_HEAD_BYTES - (end - start)
        if start < end:
            self._pieces.append(data[start:])

    def request_sent(self) -> None:
        """Count a request: a server may send some frames for each."""
        self._useful_frames += 1

    def _limit(self, kind: int, length: int, stream_id: int) -> None:
        if kind == FrameType.HEADERS:
            self._useful_frames += 1
            self.head_bytes = FRAME_HEAD_BYTES + length
            return
        if kind == FrameType.CONTINUATION:
            self.head_bytes += FRAME_HEAD_BYTES + length
            if self.head_bytes > MAX_HEAD_BYTES:
                raise FrameError(f"the head is longer than {MAX_HEAD_BYTES // 1024} kB", stream_id)
        self._idle_frames += 1
        self._idle_bytes += FRAME_HEAD_BYTES + length
        if (
            self._idle_frames > _MAX_IDLE_FRAMES + _MAX_IDLE_FRAMES_FACTOR * self._useful_frames
            or self._idle_bytes > _MAX_IDLE_BYTES + _MAX_IDLE_BYTES_FACTOR * self._useful_frames
        ):
            raise FloodError("frames without end that carry neither head nor body", stream_id)
