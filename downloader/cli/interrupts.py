"""Ctrl-C outside the event loop: before a run has begun, while it is set up, and after it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: The status that shells report for a command that SIGINT ended.
_INTERRUPTED_STATUS = 128 + signal.SIGINT


def exit_on_interrupt() -> None:
    """Make Ctrl-C end the process at once and silently, with status 130.

    Before a run begins there is nothing to clean up, and an exception could be swallowed or printed
    by the code that is being imported. A SIGINT that the parent made this process ignore stays
    ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit)


@contextmanager
def keyboard_interrupts() -> Iterator[None]:
    """Make Ctrl-C raise ``KeyboardInterrupt`` in this context, so that files are cleaned up."""
    if signal.getsignal(signal.SIGINT) is not _exit:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _exit)


def _exit(_number: int, _frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED_STATUS)
