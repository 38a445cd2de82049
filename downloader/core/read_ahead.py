"""Read a blocking iterator ahead in a thread, and hand its items to the event loop.

Lists are read in a thread, because standard input, a network disk or a slow pipe may block for any
time. It is a daemon thread, so that a stopped run does not wait for a line that never arrives.
"""

import asyncio
import threading
from collections.abc import Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """A blocking iterable that a thread reads ahead; must be created in a running event loop.

    Args:
        items: the iterable.
        max_buffered: items to read ahead of :meth:`take`.
        name: of the thread.

    Attributes:
        count: items that the thread has read.
        finished: whether it has read all of them.
    """

    def __init__(
        self, items: Iterable[Item], *, max_buffered: int = 1000, name: str = "reader"
    ) -> None:
        self.count = 0
        self.finished = False
        self._items = items
        self._buffer: list[Item] = []
        self._error: BaseException | None = None
        self._max_buffered = max_buffered
        self._not_full = threading.Event()
        self._stopped = False
        self._waiting = False
        self._loop = asyncio.get_running_loop()
        self._not_empty = asyncio.Event()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        """Stop reading; the buffered items can still be taken."""
        self._stopped = True
        self._not_full.set()

    async def take(self, max_items: int) -> list[Item]:
        """Return the buffered items, waiting for at least one; an empty list is the end.

        Raises:
            Exception: any exception of the iterable, once all items before it have been taken.
        """
        while not self._buffer and not self.finished:
            self._not_empty.clear()
            self._waiting = True
            # The thread may have added an item before it saw that this method waits.
            if not self._buffer and not self.finished:
                await self._not_empty.wait()
            self._waiting = False
        # The thread only appends, so that these two steps need no lock.
        taken = self._buffer[:max_items]
        del self._buffer[:max_items]
        self._not_full.set()
        if not taken and self._error is not None:
            error, self._error = self._error, None
            raise error
        return taken

    def _run(self) -> None:
        try:
            for item in self._items:
                while len(self._buffer) >= self._max_buffered and not self._stopped:
                    self._not_full.clear()
                    # take() may have made room before the event was cleared.
                    if len(self._buffer) >= self._max_buffered and not self._stopped:
                        self._not_full.wait()
                if self._stopped:
                    break
                self._buffer.append(item)
                self.count += 1
                if self._waiting:
                    self._wake()
        except BaseException as error:
            self._error = error
        finally:
            self.finished = True
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._not_empty.set)
        except RuntimeError:
            # The loop is closed, so no one waits for items.
            self._stopped = True
