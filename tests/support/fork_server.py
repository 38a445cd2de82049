"""Start the command by forking a process that has imported it already.

The tests start the command thousands of times, and most of the CPU time of such a start are its
imports. So each process of pytest has a *fork server*: a process without threads that imports the
command once, and forks itself for each start. What is forked runs ``python -m downloader`` with the
arguments, environment, folder and standard streams of that start, as a child of pytest's process.

A start differs from a real one in what only a new interpreter does: read the variables of Python,
of the locale and of OpenSSL (:func:`can_start` knows), and import what the command needs. Tests of
starts, signals, resources and processes are marked ``real_start``.
"""

import asyncio
import asyncio.base_subprocess
import atexit
import ctypes
import importlib
import inspect
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import coverage

#: Packages that import libraries which most runs do without, or that read variables when imported.
_NOT_IMPORTED = ("archive", "cluster", "object_store", "parquet")
#: Variables that are read only when the command runs: they may differ from the fork server's.
_READ_LATE = ("DOWNLOAD_", "XDG_", "AWS_", "HOME", "NO_COLOR", "NETRC")
_SET_CHILD_SUBREAPER = 36
_SIZE_OF_PID = 4


class _Start(NamedTuple):
    """What a forked process has to run; sent as JSON.

    Attributes:
        arguments: the arguments of the command.
        environment: all of its environment.
        folder: its working directory.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str


def can_start(environment: dict[str, str]) -> bool:
    """Return whether a process with this environment can be forked here."""
    return sys.platform == "linux" and _read_early(environment) == _read_early(dict(os.environ))


def _read_early(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(_READ_LATE)
        and not name.lower().endswith("_proxy")
        # pytest changes it for each test.
        and name != "PYTEST_CURRENT_TEST"
    }


async def start_forked(
    arguments: list[str], environment: dict[str, str], folder: Path
) -> asyncio.subprocess.Process:
    """Start ``python -m downloader`` with pipes, as ``create_subprocess_exec`` does."""
    loop = asyncio.get_running_loop()
    protocol = asyncio.subprocess.SubprocessStreamProtocol(limit=2**16, loop=loop)
    connected = loop.create_future()
    pipe = subprocess.PIPE
    start = _Start(arguments, environment, str(folder))
    transport = _Transport(loop, protocol, start, False, pipe, pipe, pipe, 0, waiter=connected)  # type: ignore[arg-type]
    await connected
    return asyncio.subprocess.Process(transport, protocol, loop)


class _Transport(asyncio.base_subprocess.BaseSubprocessTransport):
    """Connects asyncio with a forked process, as it does with one that it has started itself."""

    def _start(self, args: _Start, *_: object, **__: object) -> None:  # type: ignore[override]
        process = _fork_server().start(args)
        self._proc = process  # type: ignore[assignment]
        ended = os.pidfd_open(process.pid)

        def process_exited() -> None:
            self._loop.remove_reader(ended)
            os.close(ended)
            self._process_exited(process.wait())

        self._loop.add_reader(ended, process_exited)


class _ForkedProcess:
    """What asyncio needs of :class:`subprocess.Popen`, for a child that was forked elsewhere."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = os.fdopen(stdin, "wb", 0)
        self.stdout = os.fdopen(stdout, "rb", 0)
        self.stderr = os.fdopen(stderr, "rb", 0)

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        # Until asyncio has waited for it, no other process gets its number.
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _fork_server() -> "_ForkServer":
    server = _ForkServer()
    atexit.register(server.close)
    return server


class _ForkServer:
    """This process's end of a fork server."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
        # Its streams are pipes, as those of the processes that it forks are.
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=Path(__file__).parents[2],
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        theirs.close()

    def start(self, start: _Start) -> _ForkedProcess:
        their_stdin, stdin = os.pipe()
        stdout, their_stdout = os.pipe()
        stderr, their_stderr = os.pipe()
        request = os.memfd_create("start")
        os.write(request, json.dumps(start).encode())
        sent = [their_stdin, their_stdout, their_stderr, request]
        # What is orphaned while this is set becomes a child of this process.
        _set_child_subreaper(True)
        try:
            socket.send_fds(self._requests, [b"\0"], sent)
            answer = self._requests.recv(_SIZE_OF_PID)
        finally:
            _set_child_subreaper(False)
        for fd in sent:
            os.close(fd)
        assert answer, f"the fork server has failed: {self._process.communicate()[1].decode()}"
        pid = int.from_bytes(answer, sys.byteorder)
        return _ForkedProcess(pid, stdin, stdout, stderr)

    def close(self) -> None:
        self._requests.close()
        self._process.communicate()


def _set_child_subreaper(active: bool) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, int(active), 0, 0, 0)


def _serve(requests: socket.socket) -> None:
    """Fork a process for each request, until the other end is closed."""
    _import_command()
    while (fds := _next_request(requests)) and not _fork(requests):
        for fd in fds:
            os.close(fd)
    requests.close()
    if fds:
        _run(fds)


def _import_command() -> None:
    import downloader

    for module in pkgutil.walk_packages(downloader.__path__, "downloader."):
        _, _, name = module.name.partition(".")
        if not name.startswith(_NOT_IMPORTED) and not name.endswith("__main__"):
            importlib.import_module(module.name)
    import uvloop  # noqa: F401

    # Coverage does this whenever it starts; what it finds out of modules is kept, and inherited.
    inspect.stack()


def _next_request(requests: socket.socket) -> list[int]:
    return socket.recv_fds(requests, 1, 4)[1]


def _fork(requests: socket.socket) -> bool:
    """Return true in a new process that has no living parent below pytest's, false in this one."""
    reader, writer = os.pipe()
    if not (parent := os.fork()):
        if pid := os.fork():
            os.write(writer, pid.to_bytes(_SIZE_OF_PID, sys.byteorder))
            os._exit(0)
        os.close(reader)
        os.close(writer)
        return True
    # Once the parent has ended, its child is a child of pytest's process, which is asked to be
    # the parent of orphans.
    os.waitpid(parent, 0)
    requests.sendall(os.read(reader, _SIZE_OF_PID))
    os.close(reader)
    os.close(writer)
    return False


def _run(fds: list[int]) -> None:
    """Be the started process."""
    *streams, request = fds
    with os.fdopen(request, "rb") as file:
        file.seek(0)
        start = _Start(*json.load(file))
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    os.environ.clear()
    os.environ.update(start.environment)
    os.chdir(start.folder)
    sys.path[0] = start.folder
    sys.argv[1:] = start.arguments
    # What a new interpreter does for pytest --cov.
    coverage.process_startup()
    runpy.run_module("downloader", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv.pop())))
