"""Who may start now: hosts that asked for a pause are left alone until it is over."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

if sys.platform != "win32":
    import resource

#: Waits so many seconds; tests put something quicker in its place.
Sleep = Callable[[float], Awaitable[None]]
_MOST_PAUSES = 10_000
#: Descriptors that a run needs besides those of its transfers: standard streams, journal, list,
#: output folder, and those of the threads that save.
_OWN_DESCRIPTORS = 24
#: Descriptors of one transfer: its connection, and its file.
_DESCRIPTORS_EACH = 2


def affordable(wanted: int) -> int:
    """Return how many transfers may run at once under this process's limit of open files.

    With more of them all descriptors could be those of connections, each of which waits for one
    for its file.
    """
    if sys.platform == "win32":  # where open files are limited in another way
        return wanted
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (most - _OWN_DESCRIPTORS) // _DESCRIPTORS_EACH))


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
