"""A semaphore whose size may change while permits are held."""

import asyncio


class ResizableSemaphore(asyncio.Semaphore):
    """A semaphore with a changeable number of permits.

    Attributes:
        limit: the number of permits. After it was lowered, more may be held until released.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self._excess = 0

    def release(self) -> None:
        """Release a permit; while more than :attr:`limit` were held, it is not granted again."""
        if self._excess:
            self._excess -= 1
        else:
            super().release()

    def resize(self, limit: int) -> None:
        """Set the number of permits; permits held beyond it end with their release."""
        change = limit - self.limit
        self.limit = limit
        while change > 0:
            change -= 1
            self.release()
        while change < 0 and self._value > 0:
            change += 1
            self._value -= 1
        self._excess -= change
