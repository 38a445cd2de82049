"""Sending the bodies of requests, within the windows that the server opens (RFC 9113, section 5.2).

They are sent while responses are received, because a server may answer before it has read all.
"""

from collections.abc import Callable

from h2.connection import H2Connection

#: Bytes of one DATA frame; servers take larger ones only if they say so.
_MAX_FRAME_BYTES = 64 * 1024


class Upload:
    """The rest of the body of one request.

    Args:
        h2: the connection, which knows the windows.
        stream_id: of the request.
        body: all of it; not empty.
    """

    def __init__(self, h2: H2Connection, stream_id: int, body: bytes) -> None:
        self._h2 = h2
        self._stream_id = stream_id
        self._body = body
        self._sent = 0

    def send(self) -> bool:
        """Hand the next frame to h2, as large as the windows allow; return whether there was one.

        After the last one, :attr:`done` is true.
        """
        room = min(
            self._h2.local_flow_control_window(self._stream_id),
            self._h2.max_outbound_frame_size,
            _MAX_FRAME_BYTES,
        )
        if room <= 0 or self.done:
            return False
        end = self._sent + room
        is_last = end >= len(self._body)
        self._h2.send_data(self._stream_id, self._body[self._sent : end], end_stream=is_last)
        self._sent = min(end, len(self._body))
        return True

    @property
    def awaits_window(self) -> bool:
        """Whether it waits for the window of its own stream, and not for its turn."""
        return self._h2.streams[self._stream_id].outbound_flow_control_window <= 0

    @property
    def done(self) -> bool:
        """Whether the whole body was sent."""
        return self._sent >= len(self._body)


class Uploads:
    """The bodies that a connection has not sent whole.

    Args:
        h2: the connection.
        may_write: returns whether the server reads what is written.
        on_sent: called with the stream of each frame, to write it.

    Attributes:
        sent_at: when a frame was sent last, by the clock of the event loop.
    """

    def __init__(
        self, h2: H2Connection, may_write: Callable[[], bool], on_sent: Callable[[int], None]
    ) -> None:
        self.sent_at = 0.0
        self._h2 = h2
        self._may_write = may_write
        self._on_sent = on_sent
        #: By stream, those first that have waited longest for their turn.
        self._uploads: dict[int, Upload] = {}

    def add(self, stream_id: int, body: bytes) -> None:
        """Begin to send the body of a request."""
        self._uploads[stream_id] = Upload(self._h2, stream_id, body)
        self.send()

    def remove(self, stream_id: int) -> bool:
        """Send no more of a body; return whether it was not sent whole."""
        return self._uploads.pop(stream_id, None) is not None

    def __contains__(self, stream_id: int) -> bool:
        return stream_id in self._uploads

    def waiting_since(self, stream_id: int, since: float) -> float:
        """Return since when a stream has waited for the server, *since* or later.

        While it waits for its turn, the connection may go on.
        """
        upload = self._uploads.get(stream_id)
        return since if upload is None or upload.awaits_window else max(since, self.sent_at)

    def send(self, stream_id: int = 0) -> None:
        """Send more of one body, or of all of them for 0.

        Each gets a frame in turn, until the windows are used up or the server does not read.
        """
        sending = list(self._uploads) if not stream_id else [stream_id]
        while sending and self._may_write():
            sending = [each for each in sending if self._send_frame(each)]

    def _send_frame(self, stream_id: int) -> bool:
        """Send the next frame of a body; return whether there may be another one."""
        upload = self._uploads.get(stream_id)
        if upload is None or not self._may_write() or not upload.send():
            return False
        del self._uploads[stream_id]
        if not upload.done:
            # The others have their turn first.
            self._uploads[stream_id] = upload
        self._on_sent(stream_id)
        return not upload.done
