"""One of several processes: a pool of its own, and a parent that it obeys and tells."""

import asyncio
import os
import socket
import struct
import sys
from contextlib import suppress
from itertools import count

from downloader.core import event_loop
from downloader.core.pool import Pool, PoolShare
from downloader.core.processes.in_flight_table import InFlightTable
from downloader.core.processes.ipc import (
    AddTransfers,
    Ended,
    FatalError,
    Frame,
    FrameDecoder,
    PartRecorded,
    ProgressUpdate,
    Reassign,
    RecordPart,
    SetRateLimit,
    Start,
    Stop,
    ToParent,
    Untried,
    UseFullConcurrency,
    encode,
)
from downloader.core.transfer import Transfer
from downloader.errors import DiskError, DownloadError
from downloader.journal import Job, PartialFile
from downloader.models import shards

_BLOCK = 256 * 1024
#: Outcomes are told that often, so that neither side has much to do for each.
_TELL_SECONDS = 0.02
_TICK_SECONDS = 0.1
#: So many of those that are in flight are told about, those that take longest.
_MOST_ROWS = 100


def main() -> None:
    """Be a worker in a process that was started anew, with these descriptors as arguments."""
    parent, roll = map(int, sys.argv[1:3])
    serve(socket.socket(fileno=parent), InFlightTable(roll))


def serve(parent: socket.socket, roll: InFlightTable) -> None:
    """Do what the parent says over *parent*; then end this process."""
    start = _first(parent)
    if start is None:
        return
    if start.debug:
        event_loop.log_everything()
    with event_loop.runner(debug=start.debug) as runner:
        runner.run(Worker(start, roll).work(parent))
        # Threads that wait for a name server must not keep a process that has no more to do.
        os._exit(0)


class Worker:
    """What the other end of a :class:`~downloader.core.processes.process.WorkerProcess` does."""

    def __init__(self, start: Start, roll: InFlightTable) -> None:
        self._options = start.options
        self._roll = roll
        self._wake = asyncio.Event()
        self._groups: set[int] = set()
        self._numbers = count()
        self._noted: dict[int, asyncio.Future[DiskError | None]] = {}
        self._writer: asyncio.StreamWriter | None = None
        part = PoolShare(
            owns=lambda host: shards.host_group(host) in self._groups,
            most=start.most,
            at_once=start.at_once,
            began=lambda transfer: roll.enter(transfer.job.row),
            waits=lambda transfer: roll.leave(transfer.job.row),
        )
        self._pool = Pool(start.options, self._park, self._wake, part)

    async def work(self, parent: socket.socket) -> None:
        """Obey until the parent has nothing more to say, or is gone."""
        event_loop.widen_resolver(self._options.concurrency)
        reader, self._writer = await asyncio.open_unix_connection(sock=parent, limit=_BLOCK)
        self._writer.transport.set_write_buffer_limits(0)
        try:
            async with self._pool, asyncio.TaskGroup() as group:
                others = [group.create_task(self._tell()), group.create_task(self._tick())]
                await self._obey(reader)
                for other in others:
                    other.cancel()
        except DownloadError as error:
            await self._say(FatalError(error))
        finally:
            self._writer.close()

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        decoder = FrameDecoder()
        with suppress(ConnectionError):
            while data := await reader.read(_BLOCK):
                for frame in decoder.feed(data):
                    self._do(frame)

    def _do(self, frame: Frame) -> None:
        match frame:
            case AddTransfers(transfers):
                self._groups.update(self._group(transfer) for transfer in transfers)
                self._pool.add(transfers)
            case Reassign(moves):
                self._groups.update(self._group(transfer) for transfer, _ in moves)
                self._pool.put_back(moves)
            case PartRecorded(number, error):
                noted = self._noted.pop(number)
                if not noted.done():
                    noted.set_result(error)
            case SetRateLimit(rate):
                self._pool.set_rate(rate)
            case UseFullConcurrency():
                self._pool.hurry()
            case Stop(now):
                self._pool.stop(now=now)
                self._wake.set()
            case _:
                raise TypeError(f"not for a child: {type(frame).__name__}")

    async def _tell(self) -> None:
        """Tell the parent what has ended, and what is not for this process any more."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            ended = await self._pool.collect()
            if ended:
                outcomes = [(transfer.job.row, outcome) for transfer, outcome in ended]
                await self._say(Ended(outcomes))
                # It is out of this process: what it said is heard even when it dies now.
                for row, _ in outcomes:
                    self._roll.leave(row)
            if moves := self._pool.hand_over():
                await self._say(Reassign(moves))
            if untried := self._pool.untried:
                rows = [transfer.job.row for transfer in untried]
                untried.clear()
                await self._say(Untried(rows))
            await asyncio.sleep(_TELL_SECONDS)

    async def _tick(self) -> None:
        """Tell the parent how far this process is, when that has changed."""
        told = (0, 0)
        while True:
            pool = self._pool
            if (now := (pool.received, pool.running)) != told:
                told = now
                await self._say(ProgressUpdate(*now, pool.in_flight()[:_MOST_ROWS]))
            await asyncio.sleep(_TICK_SECONDS)

    async def _park(self, job: Job, parked: PartialFile) -> None:
        """Have the parent note it in the journal, and wait until that is written."""
        number = next(self._numbers)
        noted = self._noted[number] = asyncio.get_running_loop().create_future()
        await self._say(RecordPart(number, job.row, parked))
        if (error := await noted) is not None:
            raise error

    async def _say(self, frame: ToParent) -> None:
        """Say it, and wait until that has left this process, as when the parent is busy."""
        if self._writer is not None:
            # A parent that is gone is noticed where it is listened to.
            with suppress(ConnectionError):
                self._writer.write(encode(frame))
                await self._writer.drain()

    def _group(self, transfer: Transfer) -> int:
        return shards.host_group(transfer.host)


def _first(parent: socket.socket) -> Start | None:
    """Return what the parent says first; it decides which event loop is made."""
    length = _exactly(parent, 4)
    data = _exactly(parent, *struct.unpack(">I", length)) if length else b""
    frame = next(FrameDecoder().feed(length + data), None)
    return frame if isinstance(frame, Start) else None


def _exactly(parent: socket.socket, size: int) -> bytes:
    """Return so many bytes, or none if the parent is gone."""
    data = parent.recv(size, socket.MSG_WAITALL)
    return data if len(data) == size else b""
