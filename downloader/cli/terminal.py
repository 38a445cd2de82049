"""The terminal: result lines on stdout, failures and the progress bar on stderr.

Lines are gathered for a moment and written together, because clearing and redrawing the bar for
each of thousands of lines a second would cost more than the downloads.
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

_REDRAW_SECONDS = 0.1
_PLAIN_SECONDS = 10.0
_KNOWN = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} URLs, {desc} [{elapsed}<{remaining}]"
_UNKNOWN = "{n_fmt} URLs, {desc} [{elapsed}]"


@dataclass(frozen=True, slots=True)
class ProgressState:
    """How far a run is.

    Attributes:
        done: how many URLs have outcomes.
        total: how many there are, if that is known; it grows while links are followed.
        failed: how many of those that are done have failed.
        received: bytes of bodies over the wire.
        rewritten: in how many documents links were replaced, which is done last; or None.
    """

    done: int
    total: int | None
    failed: int
    received: int
    rewritten: int | None = None


class Terminal:
    """Writes lines and keeps a bar below them; an asynchronous context manager.

    With *progress* there is a bar where stderr is a terminal, and elsewhere a plain line every
    ten seconds. *lost* is called when nobody reads the output any more.
    """

    def __init__(
        self, state: Callable[[], ProgressState], lost: Callable[[], None], *, progress: bool = True
    ) -> None:
        self._state = state
        self._lost = lost
        self._progress = progress
        self._held: list[tuple[TextIO, str]] = []
        self._bar: tqdm[NoReturn] | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._started = self._last = time.monotonic()
        self._red = not os.environ.get("NO_COLOR") and sys.stderr.isatty()

    def result(self, line: str) -> None:
        """Write a line to stdout, soon."""
        self._held.append((sys.stdout, line))

    def failure(self, line: str) -> None:
        """Write a line to stderr, soon; red on a terminal."""
        self._held.append((sys.stderr, f"\x1b[31m{line}\x1b[0m" if self._red else line))

    def note(self, line: str) -> None:
        """Write a line to stderr, soon."""
        self._held.append((sys.stderr, line))

    async def __aenter__(self) -> Self:
        if self._progress and sys.stderr.isatty():
            # Imported only where there is a bar, because it takes a while.
            from tqdm import tqdm

            self._bar = tqdm(file=sys.stderr, dynamic_ncols=True, leave=False, bar_format=_UNKNOWN)
        self._ticker = asyncio.create_task(self._tick(), name="screen")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self.flush()
        if self._ticker is not None and not self._ticker.cancelled():
            self._ticker.result()  # a defect there must not pass unseen

    def flush(self) -> None:
        """Write what is held.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        if not self._held:
            return
        held, self._held = self._held, []
        with _bar_hidden(self._bar):
            last: TextIO | None = None
            for stream, line in held:
                if last is not None and stream is not last:
                    last.flush()
                stream.write(f"{line}\n")
                last = stream
            if last is not None:
                last.flush()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_REDRAW_SECONDS)
            try:
                self._draw(time.monotonic())
                self.flush()
            except OSError:
                self._lost()
                return

    def _draw(self, now: float) -> None:
        if not self._progress:
            return
        state = self._state()
        rate = state.received / max(now - self._started, 0.001)
        if self._bar is None:
            if now - self._last >= _PLAIN_SECONDS:
                self._last = now
                self.note(_plain_line(state, rate))
            return
        if state.total is not None and self._bar.total != state.total:
            self._bar.total = state.total
            self._bar.bar_format = _KNOWN
        self._bar.n = state.done
        self._bar.set_description_str(_doing(state, rate), refresh=False)
        self._bar.refresh()


def _bar_hidden(bar: "tqdm[NoReturn] | None") -> AbstractContextManager[None]:
    # A bar without a total has no truth value.
    return nullcontext() if bar is None else bar.external_write_mode(file=sys.stderr)


def _plain_line(state: ProgressState, rate: float) -> str:
    """Return how far the run is, for where no bar can be drawn."""
    known = f"/{state.total}" if state.total is not None else ""
    return f"{state.done}{known} URLs, {_doing(state, rate)}"


def _doing(state: ProgressState, rate: float) -> str:
    failed, received = f"{state.failed} failed", format_size(state.received)
    if state.rewritten is not None:
        return f"{failed}, {received}, links replaced in {state.rewritten}"
    return f"{failed}, {received}, {format_size(rate)}/s"
