"""The parent's end of one process: started, spoken to, listened to, and seen to its end."""

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
from downloader.core.processes.in_flight_table import InFlightTable, paper
from downloader.core.processes.ipc import FrameDecoder, Start, ToChild, ToParent, encode
from downloader.errors import RunError

_BLOCK = 256 * 1024
#: So many transfers of one process may be under way, or ended and not told.
_PLACES = 8192
#: A process that has been told to end, or has closed its end, is gone after so many seconds.
_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.005
#: The parent alone heeds these; a terminal and ``timeout`` send them to the whole group.
_PARENTS = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1} if sys.platform != "win32" else set()


class _ProcessHandle(Protocol):
    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""

    def kill(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class _StandbyProcess:
    """A process that waits for its first frame, and what ties this one to it."""

    process: _ProcessHandle
    socket: socket.socket
    roll: InFlightTable


class WorkerProcess:
    """One process with a pool of its own.

    It belongs to the group of this process, so that job control stops and continues them all, and
    begins with those signals blocked that are for the parent. It has its own socket as the only way
    to its parent: when that is closed, by whatever death, the child ends.

    Attributes:
        roll: the transfers that it is at.

    Raises, when made:
        RunError: the system refuses another process.
    """

    def __init__(self, start: Start) -> None:
        started = _spares.pop() if _spares else _started()
        self.roll = started.roll
        self._socket = started.socket
        self._process = started.process
        self._writer: asyncio.StreamWriter | None = None
        self._unsent = [encode(start)]
        self._heard = False
        self._closed = False

    def send(self, frame: ToChild) -> None:
        """Have the child told, soon; what a dead one is told is lost."""
        if self._writer is None:
            self._unsent.append(encode(frame))
        elif not self._writer.is_closing():
            self._writer.write(encode(frame))

    async def frames(self) -> AsyncGenerator[ToParent]:
        """Yield what the child says, until its end."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=_BLOCK)
        self._writer.writelines(self._unsent)
        self._unsent.clear()
        if self._closed:
            self._writer.transport.abort()
        decoder = FrameDecoder()
        with suppress(ConnectionError):
            while data := await reader.read(_BLOCK):
                self._heard = True
                for frame in decoder.feed(data):
                    if not isinstance(frame, ToParent):
                        raise TypeError(f"not for a parent: {type(frame).__name__}")
                    yield frame

    def close(self) -> None:
        """Have the child end what it does, and itself."""
        self._closed = True
        if not self._heard:
            # It is still starting, and has nothing to end.
            self.kill()
        if self._writer is not None:
            self._writer.transport.abort()

    def kill(self) -> None:
        """End the child, whatever it does."""
        self._process.kill()

    async def ended(self) -> int:
        """Wait for the end, and return the exit status, which for a signal is its negative."""
        if self._writer is None:
            self._socket.close()
        else:
            self._writer.transport.abort()
        until = time.monotonic() + _GRACE_SECONDS
        # A process ends once; to be told by the event loop would need a thread, or its watcher.
        while (status := self._process.poll()) is None:
            if time.monotonic() > until:
                self.kill()
            await asyncio.sleep(_LOOK_SECONDS)
        return status

    def forget(self) -> None:
        """Give back what is left of it."""
        self.roll.close()


#: Processes that were forked ahead, and have not been told what they are to be.
_spares: list[_StandbyProcess] = []


@contextmanager
def forked_ahead(count: int) -> Iterator[None]:
    """Have so many processes ready while in this context, where this process can be forked.

    A fork has imported what this process has, which is most of what a process costs to start. But
    only one without threads may be forked, so it has to be done before there is an event loop; and
    other systems than Linux have libraries that a fork breaks.
    """
    if sys.platform == "linux" and threading.active_count() == 1:
        # The system may refuse; what is missing is started when it is needed, or refused then.
        with suppress(OSError), _parents_signals_blocked():
            while len(_spares) < count:
                _spares.append(_forked())
    try:
        yield
    finally:
        while _spares:
            spare = _spares.pop()
            spare.socket.close()
            spare.roll.close()


def _forked() -> _StandbyProcess:
    ours, theirs = socket.socketpair()
    with theirs, paper(_PLACES) as file:
        roll = InFlightTable(file)
        number = os.fork()
        if not number:
            _be_a_child(theirs, roll, [ours, *(spare.socket for spare in _spares)])
    return _StandbyProcess(_ForkedProcess(number), ours, roll)


def _be_a_child(
    parent: socket.socket, roll: InFlightTable, others: list[socket.socket]
) -> NoReturn:
    """Do what a worker does, in a process that has just been forked, and end it."""
    try:
        for other in others:
            # An end that is held here as well would outlive its owner.
            other.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        worker.serve(parent, roll)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


class _ForkedProcess:
    """A forked process, as :class:`subprocess.Popen` has its own."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, which for a signal is its negative, or None while it runs."""
        if self._status is None:
            number, status = os.waitpid(self._number, os.WNOHANG)
            if number:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self.poll() is None:
            os.kill(self._number, signal.SIGKILL)


def _started() -> _StandbyProcess:
    """Start a process anew.

    Raises:
        RunError: the system refuses.
    """
    # As in multiprocessing, it finds modules where this process does, and nowhere else.
    code = f"import sys; sys.path[:] = {sys.path!r}; import downloader.core.processes.worker as w"
    ours, theirs = socket.socketpair()
    with theirs, paper(_PLACES) as file, _parents_signals_blocked():
        passed = (theirs.fileno(), file.fileno())
        command = [sys.executable, "-P", "-c", f"{code}; w.main()", *map(str, passed)]
        try:
            process = subprocess.Popen(  # noqa: S603 - it is this very program
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=passed
            )
        except OSError as error:
            ours.close()
            raise RunError(
                f"cannot start a worker process: {error.strerror}", hint="see --processes"
            ) from error
        return _StandbyProcess(process, ours, InFlightTable(file))


@contextmanager
def _parents_signals_blocked() -> Iterator[None]:
    """Have processes start with those signals blocked that are not for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
