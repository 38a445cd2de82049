"""A semaphore whose size may change while its permits are out."""

import asyncio


class ResizableSemaphore(asyncio.Semaphore):
    """As many permits as :attr:`limit`; fewer for a while when it has been lowered.

    Attributes:
        limit: how many there are.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self._surplus = 0

    def release(self) -> None:
        """Give a permit back; one too many is not given out again."""
        if self._surplus:
            self._surplus -= 1
        else:
            super().release()

    def resize(self, limit: int) -> None:
        """Have *limit* permits from now on; those that are out too many end with their holders."""
        change = limit - self.limit
        self.limit = limit
        while change > 0:
            change -= 1
            self.release()
        while change < 0 and self._value > 0:
            change += 1
            self._value -= 1
        self._surplus -= change
