"""Sending the body of a request, within the windows that the server opens (RFC 9113, section 5.2).

It goes on while the response is received, because a server may answer before it has read all.
"""

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
