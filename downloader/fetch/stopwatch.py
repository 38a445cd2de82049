"""What one request waits for, told by aiohttp's tracing and by the connection itself."""

import time
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

from downloader.models import Timings


class Stopwatch:
    """Times of one request, by :func:`time.monotonic`; 0 stands for what did not happen.

    Attributes:
        begun: when it was made.
        looked_up, resolved: when its host was asked for, and known.
        connecting, connected: when a connection was begun, and was there.
        agreed: when that was ready to be used: with TLS, when encryption was agreed on.
        answered: when the head of the answer was there.
    """

    __slots__ = (
        "agreed",
        "answered",
        "begun",
        "connected",
        "connecting",
        "looked_up",
        "resolved",
    )

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.looked_up = self.resolved = 0.0
        self.connecting = self.connected = self.agreed = self.answered = 0.0

    def timings(self, *, encrypted: bool) -> Timings:
        """Return how long each part has taken, when the body is there."""
        dns = self.resolved - self.looked_up if self.resolved else None
        connect = tls = None
        if self.agreed:
            connect = self.connected - (self.resolved or self.connecting or self.begun)
            tls = self.agreed - self.connected if encrypted else None
        sent = self.agreed or self.begun
        transfer = time.monotonic() - self.answered
        return Timings(dns, connect, tls, self.answered - sent, transfer)


#: That of the request for which a connection is being made, where it is read by the connection.
CURRENT: ContextVar[Stopwatch | None] = ContextVar("CURRENT", default=None)


def tracing() -> aiohttp.TraceConfig:
    """Return what has aiohttp tell the stopwatch of each request, its ``trace_request_ctx``.

    Signals that nobody listens to cost little, so that only these few are used.
    """
    config = aiohttp.TraceConfig()
    config.on_connection_create_start.append(_connecting)
    config.on_dns_resolvehost_start.append(_looked_up)
    config.on_dns_resolvehost_end.append(_resolved)
    return config


async def _connecting(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _about: aiohttp.TraceConnectionCreateStartParams,
) -> None:
    _watch(context).connecting = time.monotonic()


async def _looked_up(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _about: aiohttp.TraceDnsResolveHostStartParams,
) -> None:
    _watch(context).looked_up = time.monotonic()


async def _resolved(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _about: aiohttp.TraceDnsResolveHostEndParams,
) -> None:
    _watch(context).resolved = time.monotonic()


def _watch(context: SimpleNamespace) -> Stopwatch:
    watch = context.trace_request_ctx
    # Requests that are not measured, such as those for lists, have none.
    return watch if isinstance(watch, Stopwatch) else Stopwatch()
