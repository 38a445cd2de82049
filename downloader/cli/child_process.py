"""A command in a process of its own: its output is kept within limits, and it can be killed."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Bytes of each stream that are kept; what follows is read and only counted.
MAX_OUTPUT_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024
#: Time between two looks at a process that keeps its output open or has left that to another one.
_POLL_SECONDS = 0.5
#: Time between asking a process to end and killing it.
_GRACE_SECONDS = 2.0


@dataclass(slots=True)
class CapturedStream:
    """What a process has written to one stream.

    Attributes:
        data: its first :data:`MAX_OUTPUT_BYTES`.
        dropped: the number of bytes after these.
    """

    data: bytearray = field(default_factory=bytearray)
    dropped: int = 0

    def add(self, data: bytes) -> None:
        """Keep *data* as far as there is room."""
        kept = data[: MAX_OUTPUT_BYTES - len(self.data)]
        self.data += kept
        self.dropped += len(data) - len(kept)


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """A process that has ended.

    Attributes:
        status: its exit status; minus the number of the signal that ended it.
        timed_out: whether it was ended after its time limit.
        out, err: what it has written.
    """

    status: int
    timed_out: bool
    out: CapturedStream
    err: CapturedStream


class ChildProcess:
    """A running command without standard input, in a session of its own.

    Args:
        arguments: the program and its arguments.

    Raises, when made:
        OSError: the program cannot be started.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the user's command, without a shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # So that a signal reaches the processes that it starts, too.
            start_new_session=True,
        )

    def terminate(self) -> None:
        """Ask the process and those that it has started to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and those that it has started."""
        self._send(getattr(signal, "SIGKILL", signal.SIGTERM))

    def wait(self, timeout: float | None) -> ProcessResult:
        """Wait for the end of the process; it is ended after *timeout* seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        out, err = CapturedStream(), CapturedStream()
        with self._process, selectors.DefaultSelector() as selector:
            for stream, captured in ((self._process.stdout, out), (self._process.stderr, err)):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, captured)
            try:
                self._read(selector, deadline)
                self._process.wait(_remaining(deadline))
                timed_out = False
            except subprocess.TimeoutExpired:
                timed_out = True
                self._end()
        return ProcessResult(self._process.returncode, timed_out, out, err)

    def _read(self, selector: selectors.BaseSelector, deadline: float | None) -> None:
        """Read until the streams are closed, or the process has ended.

        Raises:
            TimeoutExpired: the deadline came before.
        """
        has_ended = False
        while selector.get_map():
            events = selector.select(_POLL_SECONDS)
            for key, _ in events:
                # A ready pipe does not block; no byte means that it is closed.
                data = os.read(key.fd, _CHUNK_BYTES)
                key.data.add(data)
                if not data:
                    selector.unregister(key.fileobj)
            if not events and has_ended:
                # Another process has its output, such as a server that it has started.
                return
            has_ended = self._process.poll() is not None
            if not has_ended and _remaining(deadline) == 0:
                raise subprocess.TimeoutExpired(self._process.args, 0)

    def _end(self) -> None:
        self.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _send(self, number: int) -> None:
        if self._process.returncode is not None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
        except (ProcessLookupError, PermissionError):
            # It has ended meanwhile.
            return


def _remaining(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
