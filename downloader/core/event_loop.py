"""The event loop of a run: uvloop where there is one, with settings for many transfers."""

import asyncio
import gc
import importlib
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from downloader.web.text import SafeFormatter

#: Each name lookup blocks a thread. With few threads one dead name server would stall all lookups,
#: and the wait for a thread would count as time to connect.
_MAX_RESOLVER_THREADS = 256
#: Net allocations of objects after which the garbage collector looks for cycles.
_GC_THRESHOLD_OBJECTS = 50_000


def _event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's factory where it is installed, and asyncio's elsewhere (Windows, PyPy)."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return factory


new_event_loop = _event_loop_factory()


def runner(*, debug: bool) -> asyncio.Runner:
    """Return a runner for a process that runs one coroutine, and tune garbage collection for it."""
    # Imported modules stay alive. A run makes few cycles but many objects: with the default
    # threshold, collections take a twelfth of its time.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD_OBJECTS)
    # Only the event loop of asyncio has a debug mode.
    return asyncio.Runner(debug=debug, loop_factory=None if debug else new_event_loop)


def log_everything() -> None:
    """Write all log records to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])


def widen_resolver(concurrency: int | None) -> None:
    """Let the running event loop resolve as many names at once as *concurrency* may need."""
    threads = min(concurrency or _MAX_RESOLVER_THREADS, _MAX_RESOLVER_THREADS)
    executor = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
    asyncio.get_running_loop().set_default_executor(executor)
