"""Limit the bytes per second of all transfers together, shared fairly."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

#: How far a run may be ahead of its rate; with less, each packet would cause a sleep.
_BURST_SECONDS = 0.05
#: Shorter waits are rounding errors.
_MIN_WAIT_SECONDS = 1e-6


class RateLimiter:
    """Limits the bytes per second of all transfers together.

    Each transfer waits for what it has received before it receives more, in order of arrival. So
    transfers that could use more share equally what the slower ones leave.

    Args:
        rate: bytes per second, more than 0.
        sleep: waits this many seconds.
        clock: seconds, as :func:`time.monotonic`.
        max_sleep: longest sleep, in seconds, so that a changed rate takes effect after it.

    Attributes:
        rate: as above; may be changed.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        max_sleep: float = math.inf,
    ) -> None:
        self.rate = rate
        self._sleep = sleep
        self._clock = clock
        self._max_sleep = max_sleep
        # Bytes since the start: received, and allowed by the rate so far.
        self._received = 0.0
        self._allowed = 0.0
        self._updated_at = 0.0

    async def throttle(self, size: int) -> None:
        """Count *size* bytes received, and wait until the rate allows them."""
        self._update_allowed()
        self._received += size
        own = self._received
        while (wait := (own - self._allowed) / self.rate) > _MIN_WAIT_SECONDS:
            await self._sleep(min(wait, self._max_sleep))
            self._update_allowed()

    def _update_allowed(self) -> None:
        now = self._clock()
        allowed = self._allowed + self.rate * (now - self._updated_at)
        self._allowed = min(allowed, self._received + self.rate * _BURST_SECONDS)
        self._updated_at = now
