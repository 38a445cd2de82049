"""A worker process: a pool that fetches what its parent sends."""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from downloader.core import event_loop
from downloader.core.host_release import HostRelease
from downloader.core.pool import Pool, PoolShare
from downloader.core.processes.in_flight_table import InFlightTable
from downloader.core.processes.ipc import (
    AddTransfers,
    CapConcurrency,
    ClaimName,
    CookiesSet,
    FatalError,
    Frame,
    FrameDecoder,
    HostsReleased,
    JournalReply,
    ProgressUpdate,
    Reassign,
    RecordStep,
    ReleaseHosts,
    RestoreHosts,
    SetRateLimit,
    Start,
    Stop,
    ToParent,
    TransfersEnded,
    Untried,
    encode,
)
from downloader.core.transfer import Transfer, TransferStep
from downloader.errors import DownloadError
from downloader.http import CookieJar
from downloader.journal import Job
from downloader.models import shards
from downloader.web.filenames import FileName

_READ_BYTES = 256 * 1024
#: Outcomes are collected for this long and sent together, which saves work on both sides.
_OUTCOME_INTERVAL_SECONDS = 0.02
_PROGRESS_INTERVAL_SECONDS = 0.1
#: Transfers in flight that a progress update describes, the longest-running ones.
_MAX_IN_FLIGHT_ROWS = 100


def main() -> None:
    """Run a worker in a new process; its arguments are the descriptors of socket and table."""
    parent, table = map(int, sys.argv[1:3])
    serve(socket.socket(fileno=parent), InFlightTable(table))


def serve(parent: socket.socket, in_flight: InFlightTable) -> None:
    """Serve the parent process over *parent*; then end this process."""
    start = _read_start(parent)
    if start is None:
        return
    if start.debug:
        event_loop.log_everything()
    with event_loop.runner(debug=start.debug) as runner:
        runner.run(Worker(start, in_flight).serve(parent))
        # Threads that wait for a name server would keep the process alive.
        os._exit(0)


class Worker:
    """The other end of a :class:`~downloader.core.processes.process.WorkerProcess`."""

    def __init__(self, start: Start, in_flight: InFlightTable) -> None:
        self._options = start.options
        self._in_flight = in_flight
        self._wake = asyncio.Event()
        self._host_groups: set[int] = set()
        self._request_numbers = count()
        self._replies: dict[int, asyncio.Future[JournalReply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        share = PoolShare(
            owns=lambda host: shards.host_group(host) in self._host_groups,
            max_concurrency=start.max_concurrency,
            concurrency_cap=start.concurrency_cap,
            on_start=lambda transfer: in_flight.add(transfer.job.row),
            on_requeue=lambda transfer: in_flight.remove(transfer.job.row),
        )
        self._jar: CookieJar | None = None
        if start.cookies is not None:
            self._jar = CookieJar()
            self._jar.fill(start.cookies)
            self._jar.records_changes = True
        self._pool = Pool(start.options, self, self._wake, share, jar=self._jar)
        self._release = HostRelease(self._pool)

    async def serve(self, parent: socket.socket) -> None:
        """Handle frames until the parent closes the socket or dies."""
        event_loop.widen_resolver(self._options.concurrency)
        reader, self._writer = await asyncio.open_unix_connection(sock=parent, limit=_READ_BYTES)
        self._writer.transport.set_write_buffer_limits(0)
        try:
            async with self._pool, asyncio.TaskGroup() as group:
                senders = [
                    group.create_task(self._send_outcomes()),
                    group.create_task(self._send_progress()),
                ]
                await self._handle_frames(reader)
                for sender in senders:
                    sender.cancel()
        except DownloadError as error:
            await self._send(FatalError(error))
        finally:
            self._writer.close()

    async def _handle_frames(self, reader: asyncio.StreamReader) -> None:
        decoder = FrameDecoder()
        with suppress(ConnectionError):
            while data := await reader.read(_READ_BYTES):
                for frame in decoder.feed(data):
                    self._handle(frame)

    def _handle(self, frame: Frame) -> None:
        match frame:
            case AddTransfers(transfers):
                self._host_groups.update(_host_group(transfer) for transfer in transfers)
                self._pool.add(transfers)
            case Reassign(moves):
                self._host_groups.update(_host_group(transfer) for transfer, _ in moves)
                self._pool.add_moved(moves)
            case RestoreHosts(states):
                self._pool.queues.restore(states)
            case ReleaseHosts(groups):
                self._host_groups.difference_update(groups)
                self._release.start(groups)
                self._wake.set()
            case JournalReply():
                reply = self._replies.pop(frame.number)
                if not reply.done():
                    reply.set_result(frame)
            case CookiesSet(cookies):
                if self._jar is not None:
                    self._jar.apply_changes(cookies)
            case SetRateLimit(rate):
                self._pool.set_rate_limit(rate)
            case CapConcurrency(cap):
                self._pool.cap_concurrency(cap)
            case Stop(now):
                self._release.abort()
                self._pool.stop(now=now)
                self._wake.set()
            case _:
                raise TypeError(f"not for a worker: {type(frame).__name__}")

    async def _send_outcomes(self) -> None:
        """Send outcomes, transfers for hosts of other workers, and those never started."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            ended = await self._pool.collect()
            # Before the outcomes: they lead to requests that need the cookies.
            if self._jar is not None and (cookies := self._jar.take_changes()):
                await self._send(CookiesSet(cookies))
            if ended:
                outcomes = [(transfer.job.row, outcome) for transfer, outcome in ended]
                await self._send(TransfersEnded(outcomes))
                # Removed only now: the parent gets what was sent even if this process dies.
                for row, _ in outcomes:
                    self._in_flight.remove(row)
            if foreign := self._pool.take_foreign():
                await self._send(Reassign(foreign))
            if untried := self._pool.untried:
                rows = [transfer.job.row for transfer in untried]
                untried.clear()
                await self._send(Untried(rows))
            await self._send_released()
            await asyncio.sleep(_OUTCOME_INTERVAL_SECONDS)

    async def _send_released(self) -> None:
        """Send the hosts that are to be released, as soon as nothing of them is running."""
        if (released := self._release.poll()) is None:
            return
        self._host_groups |= released.kept
        rows = [transfer.job.row for transfer in released.transfers]
        released.transfers.clear()
        await self._send(HostsReleased(released, rows))

    async def _send_progress(self) -> None:
        """Send the progress whenever it has changed, and first when this process is ready."""
        sent = None
        while True:
            pool = self._pool
            if (now := (pool.received, pool.running)) != sent:
                sent = now
                await self._send(ProgressUpdate(*now, pool.in_flight()[:_MAX_IN_FLIGHT_ROWS]))
            # A host may have become idle by a retry, after which there is no outcome to send.
            if self._release.is_active:
                self._wake.set()
            await asyncio.sleep(_PROGRESS_INTERVAL_SECONDS)

    async def record_step(self, job: Job, step: TransferStep) -> None:
        """Let the parent record a step in the journal; wait until it is written."""
        number = next(self._request_numbers)
        await self._ask_journal(RecordStep(number, job.row, step))

    async def claim_name(self, job: Job, names: Sequence[FileName]) -> FileName | None:
        """Let the parent claim a name in the journal."""
        number = next(self._request_numbers)
        return (await self._ask_journal(ClaimName(number, job.row, names))).name

    async def _ask_journal(self, request: RecordStep | ClaimName) -> JournalReply:
        reply: asyncio.Future[JournalReply] = asyncio.get_running_loop().create_future()
        self._replies[request.number] = reply
        await self._send(request)
        answer = await reply
        if answer.error is not None:
            raise answer.error
        return answer

    async def _send(self, frame: ToParent) -> None:
        """Send a frame, and wait until it has left this process."""
        if self._writer is not None:
            # The reader notices when the parent has gone.
            with suppress(ConnectionError):
                self._writer.write(encode(frame))
                await self._writer.drain()


def _host_group(transfer: Transfer) -> int:
    return shards.host_group(transfer.host)


def _read_start(parent: socket.socket) -> Start | None:
    """Return the first frame, or None if there is none; it decides which event loop is created."""
    length = _read_exactly(parent, 4)
    data = _read_exactly(parent, *struct.unpack(">I", length)) if length else b""
    frame = next(FrameDecoder().feed(length + data), None)
    return frame if isinstance(frame, Start) else None


def _read_exactly(parent: socket.socket, size: int) -> bytes:
    """Return *size* bytes, or none if the parent has gone."""
    data = parent.recv(size, socket.MSG_WAITALL)
    return data if len(data) == size else b""
