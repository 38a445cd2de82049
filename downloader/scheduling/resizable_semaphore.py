"""A semaphore whose size may change while permits are held."""


class ResizableSemaphore:
    """A counting semaphore that does not block: who gets no permit tries again after a release.

    Attributes:
        limit: the number of permits; when it is lowered, more may be held until released.
        held: the number of permits held.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def try_acquire(self) -> bool:
        """Take a permit if one is free; return whether one was."""
        if self.held >= self.limit:
            return False
        self.held += 1
        return True

    def release(self) -> None:
        """Give a permit back."""
        self.held -= 1
