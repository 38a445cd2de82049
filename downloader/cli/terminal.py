"""The terminal: result lines on stdout, failures and the progress bar on stderr.

Lines are buffered and written ten times a second, because clearing and redrawing the bar for each
of thousands of lines a second would cost more than the downloads.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, TextIO

from downloader.web.text import format_size

if TYPE_CHECKING:
    from tqdm import tqdm

#: Between two updates of the bar and of the lines above it.
_REDRAW_SECONDS = 0.1
#: Between two progress lines where stderr is no terminal.
_PROGRESS_LINE_SECONDS = 10.0
#: Formats of the bar, for tqdm.
_BAR_WITH_TOTAL = (
    "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} URLs, {desc} [{elapsed}<{remaining}]"
)
_BAR_WITHOUT_TOTAL = "{n_fmt} URLs, {desc} [{elapsed}]"


@dataclass(frozen=True, slots=True)
class ProgressState:
    """The progress of a run.

    Attributes:
        done: URLs with an outcome.
        total: URLs of the run, or None if unknown; it grows while links are followed.
        failed: URLs that have failed.
        received: bytes of bodies received over the network.
        rewritten: documents whose links were rewritten, which happens last; or None.
    """

    done: int
    total: int | None
    failed: int
    received: int
    rewritten: int | None = None


class Terminal:
    """Prints lines above a progress bar; an asynchronous context manager.

    Args:
        state: returns the progress of the run.
        on_closed: called when the output cannot be written any more, as after ``| head``.
        progress: whether to show a bar, or a plain line every ten seconds if stderr is no terminal.
        results_to_stderr: whether results are printed to stderr, too.
    """

    def __init__(
        self,
        state: Callable[[], ProgressState],
        on_closed: Callable[[], None],
        *,
        progress: bool = True,
        results_to_stderr: bool = False,
    ) -> None:
        self._results = sys.stderr if results_to_stderr else sys.stdout
        self._state = state
        self._on_closed = on_closed
        self._progress = progress
        self._buffer: list[tuple[TextIO, str]] = []
        self._bar: tqdm[NoReturn] | None = None
        self._update_task: asyncio.Task[None] | None = None
        self._started = self._last_line = time.monotonic()
        self._uses_red = not os.environ.get("NO_COLOR") and sys.stderr.isatty()

    @property
    def shows_results(self) -> bool:
        """Whether results are printed on a terminal, and not to a file or pipe."""
        return self._results.isatty()

    def result(self, line: str) -> None:
        """Print a result to stdout with the next update."""
        self._buffer.append((self._results, line))

    def failure(self, line: str) -> None:
        """Print a line to stderr with the next update; red on a terminal."""
        self._buffer.append((sys.stderr, f"\x1b[31m{line}\x1b[0m" if self._uses_red else line))

    def note(self, line: str) -> None:
        """Print a line to stderr with the next update."""
        self._buffer.append((sys.stderr, line))

    async def __aenter__(self) -> Self:
        if self._progress and sys.stderr.isatty():
            # Imported only where there is a bar, because it takes a while.
            from tqdm import tqdm

            self._bar = tqdm(
                file=sys.stderr, dynamic_ncols=True, leave=False, bar_format=_BAR_WITHOUT_TOTAL
            )
        self._update_task = asyncio.create_task(self._update_periodically(), name="terminal")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._update_task is not None:
            self._update_task.cancel()
            await asyncio.wait([self._update_task])
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self.flush()
        if self._update_task is not None and not self._update_task.cancelled():
            self._update_task.result()  # an exception in it would be lost otherwise

    def flush(self) -> None:
        """Write the buffered lines.

        Raises:
            BrokenPipeError: the reader has closed the pipe.
        """
        if not self._buffer:
            return
        lines, self._buffer = self._buffer, []
        with _bar_hidden(self._bar):
            previous: TextIO | None = None
            for stream, line in lines:
                if previous is not None and stream is not previous:
                    previous.flush()
                stream.write(f"{line}\n")
                previous = stream
            if previous is not None:
                previous.flush()

    async def _update_periodically(self) -> None:
        while True:
            await asyncio.sleep(_REDRAW_SECONDS)
            try:
                self._draw(time.monotonic())
                self.flush()
            except OSError:
                self._on_closed()
                return

    def _draw(self, now: float) -> None:
        if not self._progress:
            return
        state = self._state()
        rate = state.received / max(now - self._started, 0.001)
        if self._bar is None:
            if now - self._last_line >= _PROGRESS_LINE_SECONDS:
                self._last_line = now
                self.note(_progress_line(state, rate))
            return
        if state.total is not None and self._bar.total != state.total:
            self._bar.total = state.total
            self._bar.bar_format = _BAR_WITH_TOTAL
        self._bar.n = state.done
        self._bar.set_description_str(_details(state, rate), refresh=False)
        self._bar.refresh()


def _bar_hidden(bar: "tqdm[NoReturn] | None") -> AbstractContextManager[None]:
    # A bar without a total has no truth value.
    return nullcontext() if bar is None else bar.external_write_mode(file=sys.stderr)


def _progress_line(state: ProgressState, rate: float) -> str:
    """Return the progress as a line, for where no bar can be drawn."""
    total = f"/{state.total}" if state.total is not None else ""
    return f"{state.done}{total} URLs, {_details(state, rate)}"


def _details(state: ProgressState, rate: float) -> str:
    failed, received = f"{state.failed} failed", format_size(state.received)
    if state.rewritten is not None:
        return f"{failed}, {received}, links rewritten in {state.rewritten}"
    return f"{failed}, {received}, {format_size(rate)}/s"
