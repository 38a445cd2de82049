"""Who may start now: hosts that asked for a pause are left alone until it is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable

#: Waits so many seconds; tests put something quicker in its place.
Sleep = Callable[[float], Awaitable[None]]
_MOST_PAUSES = 10_000


class Governor:
    """Knows when each host may be asked again."""

    def __init__(
        self, sleep: Sleep = asyncio.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._until: dict[str, float] = {}

    def pause(self, host: str, seconds: float) -> None:
        """Ask nothing of *host* for so many seconds, as its ``Retry-After`` wants."""
        now = self._clock()
        if len(self._until) >= _MOST_PAUSES:
            self._until = {host: until for host, until in self._until.items() if until > now}
        self._until[host] = max(self._until.get(host, 0.0), now + seconds)

    async def ready(self, host: str) -> None:
        """Wait until *host* may be asked."""
        while (wait := self._until.get(host, 0.0) - self._clock()) > 0:
            await self._sleep(wait)

    async def back_off(self, seconds: float) -> None:
        """Wait before the same URL is tried again."""
        await self._sleep(seconds)
