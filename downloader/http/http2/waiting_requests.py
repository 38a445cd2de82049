"""Requests that wait until their connection takes more of them."""

import asyncio
from collections import deque
from collections.abc import Callable

from downloader.errors import TimedOutError


class WaitingRequests:
    """The requests of one connection that cannot be made yet.

    Args:
        loop: the event loop.
        seconds: how long one waits at most.
        free_places: returns how many more requests may be made now; None if the connection is not
            usable any more, so that none has to wait for it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: float,
        free_places: Callable[[], int | None],
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._free_places = free_places
        self._waiters: deque[asyncio.Future[None]] = deque()

    def __bool__(self) -> bool:
        """Whether any request waits."""
        return bool(self._waiters)

    async def wait(self) -> None:
        """Wait until a request may be made, or the connection is not usable.

        Raises:
            TimedOutError: for too long.
        """
        try:
            async with asyncio.timeout(self._seconds):
                while self._free_places() == 0:
                    waiter = self._loop.create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            raise TimedOutError(
                "the server takes no request for too long", hint="see --read-timeout"
            ) from None
        finally:
            self.wake()

    def wake(self) -> None:
        """Wake as many requests as may be made."""
        free = self._free_places()
        while self._waiters and free != 0:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free = None if free is None else free - 1
