"""The bytes of one response's body: decoded, and checked against the limits of size and speed."""

import time
from collections.abc import Iterable, Iterator
from typing import Self

from downloader.errors import TimedOutError, TooLargeError
from downloader.http import Response
from downloader.models import NetworkOptions
from downloader.web.content_coding import ContentDecoder, decoder_for
from downloader.web.text import format_size

#: The speed of a transfer is compared with ``min_speed`` over spans of this length.
_SPEED_SPAN_SECONDS = 5.0
#: Without ``min_speed``, a body that is slower than this over several minutes is a drip: a modem is
#: a hundred times as fast.
_DRIP_BYTES_PER_SECOND = 10
_DRIP_SPAN_SECONDS = 300.0
#: Decoded pieces after which other transfers run: small ones are buffered without a wait.
_PIECES_PER_YIELD = 256


class BodyReader:
    """Decodes a body and checks it against the limits.

    Attributes:
        decoder: undoes the content coding; None for identity.
        wire: bytes received.
        size: bytes after decoding, those of a resumed file included.

    Raises, when made:
        TooLargeError: the response says that its body is larger than allowed.
    """

    def __init__(self, response: Response, options: NetworkOptions, *, rate_limited: bool) -> None:
        self.decoder = decoder_for(response.content_coding, response.supplied_type, response.url)
        self.wire = self.size = 0
        self._max_size = options.max_size
        self._length_verified = response.length_verified
        self._speed_guard = SpeedGuard(options.min_speed) if options.min_speed else None
        # At a limited rate, many transfers may have to share very little.
        self._may_drip = options.min_speed is not None or rate_limited
        if self._max_size is not None and self.decoder is None:
            self._check_size(response.content_length or 0)

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Return the decoded bytes of *data*, in pieces; b"" where others should run.

        Raises, here or by a piece:
            TooLargeError: the body is larger than allowed.
            TimedOutError: it comes slower than allowed.
        """
        size = len(data)
        if self._speed_guard is not None:
            self._speed_guard.feed(size)
        elif self.wire and not self._may_drip:
            # Not before the second read: most bodies need only one.
            self._speed_guard = SpeedGuard.for_options(None)
        self.wire += size
        if self.decoder is not None:
            return self._decode(self.decoder, data)
        self.size += size
        if self._max_size is not None:
            self._check_size(self.size)
        return (data,)

    def _decode(self, decoder: ContentDecoder, data: bytes) -> Iterator[bytes]:
        for count, piece in enumerate(decoder.feed(data), 1):
            self.grow(len(piece))
            yield piece
            if count % _PIECES_PER_YIELD == 0:
                yield b""

    def grow(self, size: int) -> None:
        """Count *size* more decoded bytes.

        Raises:
            TooLargeError: the body is larger than allowed.
        """
        self.size += size
        if self._max_size is not None:
            self._check_size(self.size)

    def finish(self) -> None:
        """Check that the content coding has come to its end.

        Raises:
            UrlError: it has not.
        """
        if self.decoder and (self.wire or not self._length_verified):
            self.decoder.finish()

    def _check_size(self, size: int) -> None:
        if self._max_size is not None and size > self._max_size:
            message = f"larger than {format_size(self._max_size)}"
            raise TooLargeError(message, hint="see --max-size")


class SpeedGuard:
    """Gives up a transfer that is slower than *min_speed*, in bytes per second, over a span."""

    def __init__(self, min_speed: int, span_seconds: float = _SPEED_SPAN_SECONDS) -> None:
        self._min_speed = min_speed
        self._span_seconds = span_seconds
        self._span_started = time.monotonic()
        self._span_bytes = 0

    @classmethod
    def for_options(cls, min_speed: int | None) -> Self | None:
        """Return what ``min_speed`` asks for: by default, a guard against drips; with 0, none."""
        if min_speed is None:
            return cls(_DRIP_BYTES_PER_SECOND, _DRIP_SPAN_SECONDS)
        return cls(min_speed) if min_speed else None

    def feed(self, size: int) -> None:
        """Count *size* bytes received.

        Raises:
            TimedOutError: the last span was too slow.
        """
        self._span_bytes += size
        span = time.monotonic() - self._span_started
        if span < self._span_seconds:
            return
        if self._span_bytes < self._min_speed * span:
            message = f"slower than {format_size(self._min_speed)}/s for {self._span_seconds:g} s"
            raise TimedOutError(message, hint="see --min-speed")
        self._span_started += span
        self._span_bytes = 0
