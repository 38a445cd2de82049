"""The event loop: the quickest one that this machine has, and what it is told for a run."""

import asyncio
import gc
import importlib
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from downloader.web.text import SafeFormatter

#: Name resolution blocks a thread for each lookup; with few threads one dead name server would
#: stall everybody, and the wait for a thread would count as the wait for a connection.
_MOST_RESOLVERS = 256
#: Objects made and not freed, after which the garbage collector looks for cycles.
_COLLECT_EVERY = 50_000


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


def runner(*, debug: bool) -> asyncio.Runner:
    """Return what runs the coroutine of a process that does nothing else."""
    # What is imported stays; a run makes few cycles, but so many objects that with the usual
    # threshold the collector would take a twelfth of its time.
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    # asyncio's own loop has more to say to who debugs.
    return asyncio.Runner(debug=debug, loop_factory=None if debug else new_event_loop)


def log_everything() -> None:
    """Have all that is logged written to stderr."""
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(SafeFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG, handlers=[log])


def widen_resolver(concurrency: int | None) -> None:
    """Have the running loop resolve as many names at once as so many transfers may need."""
    threads = min(concurrency or _MOST_RESOLVERS, _MOST_RESOLVERS)
    executor = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
    asyncio.get_running_loop().set_default_executor(executor)
