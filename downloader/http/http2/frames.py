"""Split the bytes of a connection into frames (RFC 9113, section 4), and limit useless ones.

h2 parses each frame. Split before, a faulty frame is known to be the fault of its stream, and the
frames before it have been handled.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from downloader.http.http2.errors import FloodError, FrameError

_HEAD_BYTES = 9
_STREAM_ID_MASK = 0x7FFF_FFFF
#: ``SETTINGS_MAX_FRAME_SIZE``: larger frames mean less work for each byte.
MAX_FRAME_BYTES = 64 * 1024
#: Bytes of a head, compressed, in all its frames; and of its fields.
MAX_HEAD_BYTES = 256 * 1024
#: Frames that carry neither a head nor a body: so many, and so many for each useful frame.
_MAX_IDLE_FRAMES = 1000
_MAX_IDLE_FRAMES_FACTOR = 16
#: Bytes that are neither head nor body, likewise.
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
        stream_id: 0 for the connection.
        data: all its bytes.
    """

    kind: int
    stream_id: int
    data: bytes


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
        while end - start >= _HEAD_BYTES:
            length = int.from_bytes(data[start : start + 3], "big")
            stream_id = int.from_bytes(data[start + 5 : start + 9], "big") & _STREAM_ID_MASK
            if length > MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {length} bytes", stream_id)
            next_start = start + _HEAD_BYTES + length
            if next_start > end:
                self._missing = next_start - end
                break
            kind = data[start + 3]
            self._limit(kind, length, stream_id)
            yield Frame(kind, stream_id, data[start:next_start])
            start = next_start
        else:
            self._missing = _HEAD_BYTES - (end - start)
        if start < end:
            self._pieces.append(data[start:])

    def request_sent(self) -> None:
        """Count a request: a server may send some frames for each."""
        self._useful_frames += 1

    def _limit(self, kind: int, length: int, stream_id: int) -> None:
        if kind == FrameType.DATA and length:
            self._useful_frames += 1
            return
        if kind == FrameType.HEADERS:
            self._useful_frames += 1
            self.head_bytes = _HEAD_BYTES + length
            return
        if kind == FrameType.CONTINUATION:
            self.head_bytes += _HEAD_BYTES + length
            if self.head_bytes > MAX_HEAD_BYTES:
                raise FrameError(f"the head is longer than {MAX_HEAD_BYTES // 1024} kB", stream_id)
        self._idle_frames += 1
        self._idle_bytes += _HEAD_BYTES + length
        if (
            self._idle_frames > _MAX_IDLE_FRAMES + _MAX_IDLE_FRAMES_FACTOR * self._useful_frames
            or self._idle_bytes > _MAX_IDLE_BYTES + _MAX_IDLE_BYTES_FACTOR * self._useful_frames
        ):
            raise FloodError("frames without end that carry neither head nor body", stream_id)
