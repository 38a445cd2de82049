"""The parent's end of one process: started, spoken to, listened to, and seen to its end."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress

from downloader.cluster.frames import Decoder, Start, ToChild, ToParent, encode
from downloader.cluster.roll import Roll, paper
from downloader.errors import RunError
from downloader.pool import UNCOLLECTED

_BLOCK = 256 * 1024
#: A process that has been told to end, or has closed its end, is gone after so many seconds.
_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.005
#: The parent alone heeds these; a terminal and ``timeout`` send them to the whole group.
_PARENTS = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1} if sys.platform != "win32" else set()


class Child:
    """One process with a pool of its own.

    It belongs to the group of this process, so that job control stops and continues them all, and
    begins with those signals blocked that are for the parent. It has its own socket as the only way
    to its parent: when that is closed, by whatever death, the child ends.

    Attributes:
        roll: the transfers that it is at.
    """

    def __init__(self, start: Start) -> None:
        self._socket, theirs = socket.socketpair()
        # Besides what is being fetched, some has ended and is not told yet.
        places = 2 * ((start.options.concurrency or start.most) + UNCOLLECTED)
        with theirs, paper(places) as file:
            self.roll = Roll(file)
            self._process = _started(theirs.fileno(), file.fileno())
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
        decoder = Decoder()
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


def _started(*passed: int) -> subprocess.Popen[bytes]:
    """Start a process that has these descriptors.

    Raises:
        RunError: the system refuses.
    """
    # As in multiprocessing, it finds modules where this process does, and nowhere else.
    code = f"import sys; sys.path[:] = {sys.path!r}; import downloader.cluster.worker as w"
    command = [sys.executable, "-P", "-c", f"{code}; w.main()", *map(str, passed)]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS)
    try:
        return subprocess.Popen(  # noqa: S603 - it is this very program
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=passed
        )
    except OSError as error:
        raise RunError(
            f"cannot start a worker process: {error.strerror}", hint="see --processes"
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
