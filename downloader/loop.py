"""The event loop: the quickest one that this machine has."""

import asyncio
import importlib
from collections.abc import Callable


def _factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's loop where it is installed, and asyncio's own elsewhere (Windows, PyPy)."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return factory


new_event_loop = _factory()
