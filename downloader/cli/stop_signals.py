"""Signals during a run: the first Ctrl-C stops gently, the second at once; SIGUSR1 reports."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

from downloader import object_store
from downloader.cli.outcome_lines import count, in_flight_lines
from downloader.cli.terminal import Terminal
from downloader.core.run import Run

#: How long running transfers may go on after the first signal.
_GRACE_SECONDS = 5.0
#: How long requests to an object store may go on after the second signal.
_STORE_GRACE_SECONDS = 5.0


@contextlib.contextmanager
def stop_on_signals(
    run: Run, terminal: Terminal, *, uses_object_store: bool
) -> Iterator[list[signal.Signals]]:
    """Stop *run* on SIGINT and SIGTERM; give the list of these signals received so far.

    SIGUSR1, where it exists, prints what is in flight.
    """
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def interrupt(number: signal.Signals) -> None:
        received.append(number)
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

    def report() -> None:
        for line in in_flight_lines(run.in_flight()):
            terminal.note(line)

    installed: list[int] = []
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)
            installed.append(number)
        if hasattr(signal, "SIGUSR1"):
            loop.add_signal_handler(signal.SIGUSR1, report)
            installed.append(signal.SIGUSR1)
    try:
        yield received
    finally:
        for installed_number in installed:
            loop.remove_signal_handler(installed_number)
