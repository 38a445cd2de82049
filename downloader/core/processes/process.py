"""The parent's end of one worker process: start it, exchange frames, end it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from downloader.core.processes import worker
from downloader.core.processes.in_flight_table import InFlightTable, create_table_file
from downloader.core.processes.ipc import FrameDecoder, Start, ToParent, ToWorker, encode
from downloader.errors import RunError

_READ_BYTES = 256 * 1024
#: Transfers of one process that may be running, or ended and not yet reported.
_TABLE_SLOTS = 8192
#: A process that was asked to end, or has closed its socket, is killed after this time.
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.005
#: Signals that only the parent handles; a terminal and ``timeout`` send them to the whole group.
_PARENT_SIGNALS = (
    {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
    if sys.platform != "win32"
    else set()
)


class _ProcessHandle(Protocol):
    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""

    def kill(self) -> None:
        """Kill the process."""


@dataclass(frozen=True, slots=True)
class _StandbyProcess:
    """A process that waits for its first frame."""

    process: _ProcessHandle
    socket: socket.socket
    in_flight: InFlightTable


class WorkerProcess:
    """One worker process.

    It belongs to the process group of its parent, so that job control stops and continues all of
    them, and blocks the signals that the parent handles. Its socket is its only connection to the
    parent; it ends when the socket is closed, by whatever death.

    Attributes:
        in_flight: the transfers that it is running.

    Raises, when made:
        RunError: the system refuses another process.
    """

    def __init__(self, start: Start) -> None:
        standby = _standby.pop() if _standby else _spawn()
        self.in_flight = standby.in_flight
        self._socket = standby.socket
        self._process = standby.process
        self._writer: asyncio.StreamWriter | None = None
        self._unsent = [encode(start)]
        self._responded = False
        self._closed = False

    def send(self, frame: ToWorker) -> None:
        """Queue a frame for sending; ignored if the process is dead."""
        if self._writer is None:
            self._unsent.append(encode(frame))
        elif not self._writer.is_closing():
            self._writer.write(encode(frame))

    async def frames(self) -> AsyncGenerator[ToParent]:
        """Yield the frames of the process, until it ends."""
        reader, self._writer = await asyncio.open_unix_connection(
            sock=self._socket, limit=_READ_BYTES
        )
        self._writer.writelines(self._unsent)
        self._unsent.clear()
        if self._closed:
            self._writer.transport.abort()
        decoder = FrameDecoder()
        with suppress(ConnectionError):
            while data := await reader.read(_READ_BYTES):
                self._responded = True
                for frame in decoder.feed(data):
                    if not isinstance(frame, ToParent):
                        raise TypeError(f"not for a parent: {type(frame).__name__}")
                    yield frame

    def close(self) -> None:
        """Let the process cancel its transfers and end."""
        self._closed = True
        if not self._responded:
            # It is still starting, and has nothing to cancel.
            self.kill()
        if self._writer is not None:
            self._writer.transport.abort()

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()

    async def wait(self) -> int:
        """Wait until the process has ended; return its status, negative for a signal."""
        if self._writer is None:
            self._socket.close()
        else:
            self._writer.transport.abort()
        deadline = time.monotonic() + _GRACE_SECONDS
        # Polled, because asyncio's child watchers need a thread, and this happens once a process.
        while (status := self._process.poll()) is None:
            if time.monotonic() > deadline:
                self.kill()
            await asyncio.sleep(_POLL_SECONDS)
        return status

    def release(self) -> None:
        """Release the memory that was shared with the process."""
        self.in_flight.close()


#: Processes that were forked ahead and have not been used.
_standby: list[_StandbyProcess] = []


@contextmanager
def forked_ahead(count: int) -> Iterator[None]:
    """Keep *count* forked processes ready within the block, where this process can be forked.

    A forked process has inherited all imports, which are most of the cost of starting one. Only a
    process without threads can be forked safely, so it is done before there is an event loop; and
    only on Linux, because a fork breaks libraries of other systems.
    """
    if sys.platform == "linux" and threading.active_count() == 1:
        # If the system refuses, missing processes are spawned when needed, or refused then.
        with suppress(OSError), _parent_signals_blocked():
            while len(_standby) < count:
                _standby.append(_fork())
    try:
        yield
    finally:
        while _standby:
            unused = _standby.pop()
            unused.socket.close()
            unused.in_flight.close()


def _fork() -> _StandbyProcess:
    ours, theirs = socket.socketpair()
    with theirs, create_table_file(_TABLE_SLOTS) as file:
        in_flight = InFlightTable(file)
        pid = os.fork()
        if not pid:
            _run_forked(theirs, in_flight, [ours, *(standby.socket for standby in _standby)])
    return _StandbyProcess(_ForkedProcess(pid), ours, in_flight)


def _run_forked(
    parent: socket.socket, in_flight: InFlightTable, inherited: list[socket.socket]
) -> NoReturn:
    """Run a worker in a process that has just been forked, and end the process."""
    try:
        for other in inherited:
            # A copy that stays open here would hide that the parent closed its own.
            other.close()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        worker.serve(parent, in_flight)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


class _ForkedProcess:
    """A forked process, with the interface of :class:`subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while the process runs."""
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def kill(self) -> None:
        """Kill the process, if it has not ended."""
        if self.poll() is None:
            os.kill(self._pid, signal.SIGKILL)


def _spawn() -> _StandbyProcess:
    """Start a process with a new interpreter.

    Raises:
        RunError: the system refuses.
    """
    # As in multiprocessing, it imports from where this process does, and from nowhere else.
    code = f"import sys; sys.path[:] = {sys.path!r}; import downloader.core.processes.worker as w"
    ours, theirs = socket.socketpair()
    with theirs, create_table_file(_TABLE_SLOTS) as file, _parent_signals_blocked():
        fds = (theirs.fileno(), file.fileno())
        command = [sys.executable, "-P", "-c", f"{code}; w.main()", *map(str, fds)]
        try:
            process = subprocess.Popen(  # noqa: S603 - this program itself
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=fds
            )
        except OSError as error:
            ours.close()
            raise RunError(
                f"cannot start a worker process: {error.strerror}", hint="see --processes"
            ) from error
        return _StandbyProcess(process, ours, InFlightTable(file))


@contextmanager
def _parent_signals_blocked() -> Iterator[None]:
    """Start processes with the signals blocked that only the parent handles."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENT_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
