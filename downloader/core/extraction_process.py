"""Processes that extract pages, one page each at a time, apart from the event loop.

The extractor is Python, and takes tens of milliseconds for a page: in a thread it would hold the
interpreter's lock while transfers wait. A process can also be ended when it takes too long.
"""

import asyncio
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from downloader.core.cores import usable_cores
from downloader.extract.protocol import ExtractionFailure, PageContent, PageTask

#: A page that takes longer is given up; those of usual size take a thousandth of it.
MAX_SECONDS_PER_PAGE = 60.0
_GRACE_SECONDS = 5.0


class ExtractionProcesses:
    """As many processes as there are cores, each started when it is first needed.

    Args:
        max_seconds: after which a page is given up.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS_PER_PAGE) -> None:
        self._max_seconds = max_seconds
        self._threads = ThreadPoolExecutor(usable_cores(), thread_name_prefix="extraction")
        self._local = threading.local()
        self._processes: set[_ExtractionProcess] = set()

    async def extract(self, task: PageTask) -> PageContent | ExtractionFailure:
        """Return what a process finds in a page; pages wait here until one is free."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._extract, task)

    async def close(self) -> None:
        """End the processes; pages that are being extracted are given up."""
        for process in list(self._processes):
            process.kill()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for process in self._processes:
            process.close()

    def _extract(self, task: PageTask) -> PageContent | ExtractionFailure:
        """Return the content of a page, extracted by the process of this thread."""
        process: _ExtractionProcess | None = getattr(self._local, "process", None)
        if process is None:
            try:
                process = self._local.process = _ExtractionProcess()
            except OSError as error:
                return ExtractionFailure(f"no process can be started: {error.strerror}")
            self._processes.add(process)
        result = process.extract(task, self._max_seconds)
        if process.is_dead:
            self._local.process = None
            self._processes.discard(process)
            process.close()
        return result


class _ExtractionProcess:
    """One process.

    Attributes:
        is_dead: whether it has ended, so that it can extract no other page.

    Raises, when made:
        OSError: the system refuses another process.
    """

    def __init__(self) -> None:
        self.is_dead = False
        self._timed_out = False
        # As in multiprocessing, it imports from where this process does, and from nowhere else.
        code = f"import sys; sys.path[:] = {sys.path!r}; import downloader.extract.worker as w"
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-P", "-c", f"{code}; w.main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Libraries warn of odd pages.
            stderr=subprocess.DEVNULL,
            # Signals of the terminal are for the parent; this process ends with its input.
            process_group=None if sys.platform == "win32" else 0,
        )

    def extract(self, task: PageTask, max_seconds: float) -> PageContent | ExtractionFailure:
        """Return what is found in a page; this blocks."""
        timer = threading.Timer(max_seconds, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            if self._process.stdin is None or self._process.stdout is None:
                raise EOFError
            pickle.dump(task, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            result = pickle.load(self._process.stdout)  # noqa: S301 - from our own process
        except (OSError, EOFError, pickle.UnpicklingError):
            self.is_dead = True
            if self._timed_out:
                return ExtractionFailure(f"it took longer than {max_seconds:g} s")
            return ExtractionFailure("the extractor crashed")
        finally:
            timer.cancel()
        if isinstance(result, PageContent | ExtractionFailure):
            return result
        raise TypeError(f"no result: {type(result).__name__}")

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Wait until the process has ended, and free what it holds."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _give_up(self) -> None:
        self._timed_out = True
        self._process.kill()
