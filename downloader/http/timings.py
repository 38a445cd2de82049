"""What one request waits for, told by what it passes: the resolver and its connection.

aiohttp's own tracing tells the same, and less of TLS, but makes and awaits several objects for each
request, which together cost more than all that is here.
"""

import time
from contextvars import ContextVar

from downloader.models import Timings


class Stopwatch:
    """Times of one request, by :func:`time.monotonic`; 0 stands for what did not happen.

    Attributes:
        begun: when it was made.
        looked_up, resolved: when its host was asked for, and known.
        connected: when there was a connection of its own.
        agreed: when that was ready to be used: with TLS, when encryption was agreed on.
        answered: when the head of the answer was there.
    """

    __slots__ = ("agreed", "answered", "begun", "connected", "looked_up", "resolved")

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.looked_up = self.resolved = self.connected = self.agreed = self.answered = 0.0

    def timings(self, *, encrypted: bool) -> Timings:
        """Return how long each part has taken, when the body is there."""
        now = time.monotonic()
        if not self.agreed:
            return Timings(None, None, None, self.answered - self.begun, now - self.answered)
        return Timings(
            self.resolved - self.looked_up if self.resolved else None,
            self.connected - (self.resolved or self.begun),
            self.agreed - self.connected if encrypted else None,
            self.answered - self.agreed,
            now - self.answered,
        )


#: That of the request of this task, for the resolver and the connection that it makes use of.
CURRENT: ContextVar[Stopwatch | None] = ContextVar("CURRENT", default=None)
