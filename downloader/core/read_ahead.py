"""Hand over what a blocking iterator yields to the event loop, a bounded number ahead.

Lists are read in a thread of their own, because standard input, a network disk or a slow pipe
may block for as long as it likes. The thread is a daemon: a run that was stopped must not wait
for a line that never comes.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """A blocking iterable, read ahead by a thread. Must be made in a running event loop.

    Attributes:
        count: how many items the thread has read so far.
        finished: whether it has read them all.
    """

    def __init__(self, items: Iterable[Item], *, ahead: int = 1000, name: str = "reader") -> None:
        self.count = 0
        self.finished = False
        self._items = items
        self._buffer: deque[Item] = deque()
        self._error: BaseException | None = None
        self._ahead = ahead
        self._room = threading.Event()
        self._stopped = False
        self._waiting = False
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        """Read no further; what has been read ahead is still handed over."""
        self._stopped = True
        self._room.set()

    async def take(self, most: int) -> list[Item]:
        """Return what has been read, at least one item and at most *most*; at the end, nothing.

        Raises:
            Exception: whatever the iterable raised, after the items that came before it.
        """
        while not self._buffer and not self.finished:
            self._ready.clear()
            self._waiting = True
            # The thread may have added something before it could see that it is waited for.
            if not self._buffer and not self.finished:
                await self._ready.wait()
            self._waiting = False
        taken: list[Item] = []
        while self._buffer and len(taken) < most:
            taken.append(self._buffer.popleft())
        self._room.set()
        if not taken and self._error is not None:
            error, self._error = self._error, None
            raise error
        return taken

    def _run(self) -> None:
        try:
            for item in self._items:
                while len(self._buffer) >= self._ahead and not self._stopped:
                    self._room.clear()
                    # Room may have been made before that was cleared.
                    if len(self._buffer) >= self._ahead and not self._stopped:
                        self._room.wait()
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
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            self._stopped = True
