"""The phases of one request, measured by the resolver and the connection that it uses.

aiohttp's own tracing measures the same, except TLS, but creates and awaits several objects for each
request, which costs more than this module.
"""

import time
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import TypeVar

from downloader.models import Timings

_Response = TypeVar("_Response")


class Stopwatch:
    """Times of one request, by :func:`time.monotonic`; 0 for what did not happen.

    Attributes:
        started: when the request was made.
        dns_started, dns_done: around name resolution.
        connected: when a new connection was established.
        ready: when that connection could be used: after the TLS handshake, if there is one.
        responded: when the head of the response was received.
    """

    __slots__ = ("connected", "dns_done", "dns_started", "ready", "responded", "started")

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.dns_started = self.dns_done = self.connected = self.ready = self.responded = 0.0

    async def time(self, request: Awaitable[_Response]) -> _Response:
        """Make a request, and return its response; the resolver and the connection note phases."""
        CURRENT.set(self)
        response = await request
        self.responded = time.monotonic()
        return response

    def timings(self, *, encrypted: bool) -> Timings:
        """Return the length of each phase; call it when the body has been received."""
        now = time.monotonic()
        if not self.ready:
            # The request was made on a kept-alive connection.
            return Timings(None, None, None, self.responded - self.started, now - self.responded)
        return Timings(
            self.dns_done - self.dns_started if self.dns_done else None,
            self.connected - (self.dns_done or self.started),
            self.ready - self.connected if encrypted else None,
            self.responded - self.ready,
            now - self.responded,
        )


#: The stopwatch of the current request, for the resolver and the connection that it uses.
CURRENT: ContextVar[Stopwatch | None] = ContextVar("CURRENT", default=None)
