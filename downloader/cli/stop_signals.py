"""Signals during a run: the first Ctrl-C stops gently, the second at once; SIGUSR1 reports.

The handlers are Python's and not the event loop's, so that a second Ctrl-C ends the process even
when the loop is busy or a thread hangs.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Protocol

from downloader import object_store
from downloader.cli.outcome_lines import count, in_flight_lines
from downloader.cli.streams import silence_lost_terminals
from downloader.cli.terminal import Terminal
from downloader.models import ExitStatus, InFlight

#: How long running transfers may go on after the first signal.
_GRACE_SECONDS = 5.0
#: How long requests to an object store may go on after the second signal.
_STORE_GRACE_SECONDS = 1.0
#: How long the process may go on after the second signal, whatever its threads do.
_EXIT_SECONDS = 1.7
#: Signals that stop a run: Ctrl-C, ``kill``, and a terminal that is closed.
_STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

_HANGUP = getattr(signal, "SIGHUP", None)


class _Progress(Protocol):
    @property
    def running(self) -> int:
        """Number of requests that are being made now."""


class StoppableRun(Protocol):
    """The part of a run, or of a check, that signals need."""

    @property
    def progress(self) -> _Progress:
        """How far it is."""

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now."""

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""


@contextlib.contextmanager
def stop_on_signals(
    run: StoppableRun, terminal: Terminal, *, uses_object_store: bool
) -> Iterator[list[signal.Signals]]:
    """Stop *run* on SIGINT, SIGTERM and SIGHUP; give the list of these signals received so far.

    A SIGHUP that the parent made this process ignore, as ``nohup`` does, stays ignored. SIGUSR1,
    where it exists, prints what is in flight. After a signal the handlers stay, because leaving a
    run may also wait for threads.
    """
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []
    terminals = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def stop() -> None:
        if len(received) == 1:
            running = count(run.progress.running, "running transfer")
            terminal.note(
                f"Stopping: {_GRACE_SECONDS:g} s for {running} to finish; again to stop now"
            )
            loop.call_later(_GRACE_SECONDS, lambda: run.stop(now=True))
        if uses_object_store and len(received) == 2:
            # fsspec retries for far longer, and its requests cannot be cancelled one by one.
            loop.call_later(_STORE_GRACE_SECONDS, object_store.abort)
        run.stop(now=len(received) > 1)

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if number == _HANGUP:
            silence_lost_terminals(terminals)
            if received:
                return  # a shell sends it again, and that is no second request
        received.append(signal.Signals(number))
        if len(received) == 2:
            threading.Thread(target=_exit_soon, name="exit", daemon=True).start()
        _call_soon(loop, stop)

    def report() -> None:
        for line in in_flight_lines(run.in_flight()):
            terminal.note(line)

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {
        number: interrupt
        for number in _STOP_SIGNALS
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN
    }
    if hasattr(signal, "SIGUSR1"):
        handlers[signal.SIGUSR1] = lambda _number, _frame: _call_soon(loop, report)
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            if not received:
                signal.signal(number, handler)


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: the process is about to end
        loop.call_soon_threadsafe(function)


def _exit_soon() -> None:
    """End the process, if it has not ended by itself.

    As after ``kill -9``, the same command continues from what the journal holds.
    """
    time.sleep(_EXIT_SECONDS)
    os._exit(ExitStatus.INTERRUPTED)
