"""Hold the total of all transfers to a rate, shared fairly."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

#: So far ahead of its rate a run may be: less would be a wait for each packet.
_AHEAD_SECONDS = 0.05
#: What is left to wait for after a sleep by rounding alone.
_NOTHING_SECONDS = 1e-6


class RateLimiter:
    """Bytes per second of all transfers together.

    Each transfer pays for what it has received before it may receive more, and they are served in
    turn; so those that could take more share equally what is left by those that could not.

    Args:
        rate: bytes per second, more than 0.
        sleep: waits so many seconds.
        clock: seconds, as :func:`time.monotonic`.
        longest: nobody sleeps longer at a time, so that a new rate is heeded after that.

    Attributes:
        rate: as above; it may be changed.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        longest: float = math.inf,
    ) -> None:
        self.rate = rate
        self._sleep = sleep
        self._clock = clock
        self._longest = longest
        # Bytes since the beginning: what was received, and what is within the rate by now.
        self._received = 0.0
        self._allowed = 0.0
        self._at = 0.0

    async def spend(self, size: int) -> None:
        """Account for *size* bytes received, and wait until they are within the rate."""
        self._pass_time()
        self._received += size
        mine = self._received
        while (wait := (mine - self._allowed) / self.rate) > _NOTHING_SECONDS:
            await self._sleep(min(wait, self._longest))
            self._pass_time()

    def _pass_time(self) -> None:
        now = self._clock()
        allowed = self._allowed + self.rate * (now - self._at)
        self._allowed = min(allowed, self._received + self.rate * _AHEAD_SECONDS)
        self._at = now
