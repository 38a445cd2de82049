"""Hold the total of all transfers to a rate, shared fairly."""

import asyncio
import time
from collections.abc import Awaitable, Callable

#: So far ahead of its rate a run may be: less would be a wait for each packet.
_AHEAD_SECONDS = 0.05


class Bandwidth:
    """Bytes per second of all transfers together.

    Each transfer pays for what it has received before it may receive more, and they are served in
    turn; so those that could take more share equally what is left by those that could not.

    Args:
        rate: bytes per second, more than 0.
        sleep: waits so many seconds.
        clock: seconds, as :func:`time.monotonic`.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate = rate
        self._sleep = sleep
        self._clock = clock
        self._paid_until = 0.0

    async def spend(self, size: int) -> None:
        """Account for *size* bytes received, and wait until they are within the rate."""
        now = self._clock()
        self._paid_until = max(self._paid_until, now - _AHEAD_SECONDS) + size / self.rate
        wait = self._paid_until - now
        if wait > 0:
            await self._sleep(wait)
