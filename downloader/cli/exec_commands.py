"""The commands of ``--exec``: one after each saved file, a bounded number of them at once."""

import asyncio
import json
import shlex
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.cli.child_process import CapturedStream, ChildProcess, ProcessResult
from downloader.cli.exec_template import CommandTemplate
from downloader.cli.outcome_lines import count
from downloader.cli.terminal import Terminal
from downloader.core.cores import usable_cores
from downloader.models import Downloaded, Outcome
from downloader.models.outcome_conversion import record_of
from downloader.report.output_files import Spool
from downloader.web.text import format_size, printable

#: Commands that may wait before no further outcomes are taken.
_MAX_WAITING = 1000
#: Characters of a command that a message shows.
_MAX_SHOWN_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecOptions:
    """The command to run after each saved file.

    Attributes:
        template: the command.
        timeout: seconds after which one is ended, or None.
        after_run: run all of them at the end, because the run changes files that it has saved.
    """

    template: CommandTemplate
    timeout: float | None = None
    after_run: bool = False


@dataclass(frozen=True, slots=True)
class _Command:
    """A command for a file.

    Attributes:
        path: of the file.
        arguments: the program and its arguments.
    """

    path: str
    arguments: list[str]


class ExecCommands:
    """Runs commands in threads; an asynchronous context manager.

    Args:
        options: the command.
        folder: the output folder.
        terminal: prints what commands print, and which have failed.

    Attributes:
        failed: the number of commands that failed.
        not_run: the number of those that were not run, because the run was stopped.
    """

    def __init__(self, options: ExecOptions, folder: Path, terminal: Terminal) -> None:
        self.failed = self.not_run = 0
        self._options = options
        self._folder = str(folder)
        self._terminal = terminal
        self._done = 0
        self._is_stopped = self._is_killed = False
        self._queue = asyncio.Queue[_Command](_MAX_WAITING)
        self._spool = Spool(Path("CMD"), "--exec") if options.after_run else None
        self._count = usable_cores()
        self._executor = ThreadPoolExecutor(self._count, "command")
        self._workers: list[asyncio.Task[None]] = []
        self._running: set[ChildProcess] = set()
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        self._workers = [
            asyncio.create_task(self._work(), name="command") for _ in range(self._count)
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop(now=True)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._executor.shutdown(wait=False)
        if self._spool is not None:
            self._spool.close()

    async def add(self, outcome: Outcome) -> None:
        """Queue the command for an outcome, if that has saved a file; wait if too many wait.

        Raises:
            DiskError: the disk is full or fails.
        """
        if not isinstance(outcome, Downloaded) or not outcome.path:
            return
        path = f"{self._folder}/{outcome.path}"
        try:
            arguments = self._options.template.expand(record_of(outcome), path)
        except ValueError as error:
            self._fail(path, str(error))
            return
        if self._spool is None:
            await self._queue.put(_Command(path, arguments))
        else:
            self._spool.add(json.dumps([path, arguments]).encode() + b"\n")

    async def finish(self) -> None:
        """Wait until all commands have ended."""
        for command in self._postponed():
            await self._queue.put(command)
        await self._queue.join()

    def stop(self, *, now: bool) -> None:
        """Start nothing more, and ask what is running to end; with *now*, kill it."""
        self._is_stopped = True
        self._is_killed = self._is_killed or now
        with self._lock:
            for process in self._running:
                process.kill() if now else process.terminate()

    def summary_line(self) -> str:
        """Return the counts of commands, as a line; empty if there was none."""
        total = self._done + self.failed + self.not_run
        if not total:
            return ""
        not_run = f", {self.not_run} not run" if self.not_run else ""
        return f"{count(total, 'command')}: {self._done} done, {self.failed} failed{not_run}"

    def _postponed(self) -> Iterator[_Command]:
        """Yield the commands that had to wait for the end, of files that are still there."""
        for line in self._spool or ():
            path, arguments = json.loads(line)
            # A mirror moves away the pages that it only read.
            if Path(path).is_file():
                yield _Command(path, arguments)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            command = await self._queue.get()
            try:
                if self._is_stopped:
                    self.not_run += 1
                    continue
                result = await loop.run_in_executor(self._executor, self._run, command)
                self._report(command, result)
            except Exception as error:
                # A worker that ended would leave those that wait for it.
                reason = error.strerror if isinstance(error, OSError) else None
                self._fail(command.path, f"cannot run it: {reason or error}")
            finally:
                self._queue.task_done()

    def _run(self, command: _Command) -> ProcessResult:
        """Run a command in this thread.

        Raises:
            OSError: it cannot be started.
        """
        process = ChildProcess(command.arguments)
        with self._lock:
            self._running.add(process)
        try:
            if self._is_killed:
                process.kill()
            elif self._is_stopped:
                process.terminate()
            return process.wait(self._options.timeout)
        finally:
            with self._lock:
                self._running.discard(process)

    def _report(self, command: _Command, result: ProcessResult) -> None:
        for line in _lines(result.out):
            self._terminal.result(line)
        for line in _lines(result.err):
            self._terminal.note(line)
        if result.status == 0 and not result.timed_out:
            self._done += 1
            return
        if result.timed_out:
            reason = f"ended after {self._options.timeout:g} s (--exec-timeout)"
        elif result.status < 0:
            reason = f"ended by {signal.strsignal(-result.status) or -result.status}"
        else:
            reason = f"exit status {result.status}"
        shown = shlex.join(command.arguments)
        cut = "…" if len(shown) > _MAX_SHOWN_LENGTH else ""
        self._fail(command.path, f"{reason}: {shown[:_MAX_SHOWN_LENGTH]}{cut}")

    def _fail(self, path: str, reason: str) -> None:
        self.failed += 1
        self._terminal.failure(printable(f"Failed command for {path}: {reason}"))


def _lines(captured: CapturedStream) -> Iterator[str]:
    """Yield what a command has written as lines that are safe to print."""
    text = captured.data.decode("utf-8", "backslashreplace")
    if text:
        # Only line feeds end lines; other characters may be there to fake one.
        for line in text.removesuffix("\n").split("\n"):
            yield "\t".join(map(printable, line.removesuffix("\r").split("\t")))
    if captured.dropped:
        yield f"({format_size(captured.dropped)} more of this output are not shown)"
