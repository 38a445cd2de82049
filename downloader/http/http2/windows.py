"""Limits on the bytes of bodies that servers send ahead of their readers (RFC 9113, section 5.2).

Each stream has a window of its own, and all windows together have a budget of memory. The windows
of connections are so large that they never stop a stream: a reader that waits for its disk holds
up nothing but its own body.
"""

#: The window of a new stream; most pages fit in.
INITIAL_WINDOW_BYTES = 64 * 1024
#: All windows, and bodies that wait to be read, together; beyond this no window is enlarged.
_BUDGET_BYTES = 64 * 1024 * 1024
#: The largest window of a stream: one connection across an ocean fills it.
_MAX_WINDOW_BYTES = 16 * 1024 * 1024


class WindowBudget:
    """The memory that the windows of all streams share.

    Args:
        fixed: if not None, windows have this size (bytes), and are not enlarged.

    Attributes:
        initial: the window of a new stream.
        granted: bytes of all windows, and of bodies that were received and not yet read.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self.initial = INITIAL_WINDOW_BYTES if fixed is None else fixed
        self._max_window = _MAX_WINDOW_BYTES if fixed is None else fixed
        self.granted = 0

    def open(self) -> int:
        """Return the window of a new stream."""
        self.granted += self.initial
        return self.initial

    def enlarge(self, window: int, wanted: int) -> int:
        """Return a window of up to *wanted* bytes in place of *window*, as the budget allows."""
        wanted = max(window, min(wanted, self._max_window))
        if wanted - window > _BUDGET_BYTES - self.granted:
            return window
        self.granted += wanted - window
        return wanted

    def close(self, size: int) -> None:
        """Give back *size* bytes, of a window or of a body that has been read."""
        self.granted -= size
