"""Look at the processes of a command, through /proc."""

import asyncio
from contextlib import suppress
from pathlib import Path

from aiohttp import web


def child_processes(process: asyncio.subprocess.Process) -> list[int]:
    """Return the processes that a command has started."""
    with suppress(OSError):
        return list(
            map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
        )
    return []


async def wait_until_ended(pids: list[int]) -> None:
    """Wait until processes have ended."""
    async with asyncio.timeout(10):
        while any(map(alive, pids)):  # noqa: ASYNC110 - no event comes from another's children
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def requesting_process(request: web.Request, pids: list[int]) -> int:
    """Return which of the processes has made a request."""
    assert request.transport is not None
    port = request.transport.get_extra_info("peername")[1]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    (pid,) = (pid for pid in pids if inodes & sockets(pid))
    return pid


def sockets(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(link.readlink()))
    return found
