"""One member of a crew of processes: the hosts dealt to it, and a process that asks them.

The parent keeps every transfer until it knows its outcome. So when a process dies, another one
goes on with what it had; and what was being fetched then is tried with few others, and at last
alone, so that an address that brings processes down is found, and fails by itself.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from downloader import archive
from downloader.core import backend
from downloader.core.processes.ipc import (
    AddTransfers,
    Ended,
    FatalError,
    Move,
    PartRecorded,
    ProgressUpdate,
    Reassign,
    RecordPart,
    SetRateLimit,
    Start,
    Stop,
    ToChild,
    ToParent,
    Untried,
    UseFullConcurrency,
)
from downloader.core.processes.process import WorkerProcess
from downloader.core.transfer import Transfer, failed
from downloader.errors import DiskError, InternalError, RunError
from downloader.journal import PartialFile, find_saved_since
from downloader.models import TransferOptions

#: How many of those that were being fetched at a death are fetched at once, by how often that was.
_CAREFUL = {1: 8, 2: 1}
#: An address at which so many processes have died is not tried again.
_MOST_STRIKES = 3
#: The run ends when so many processes of one member have died without a single outcome.
_MOST_DEATHS = 20
IDLE = ProgressUpdate(0, 0, ())


@dataclass(frozen=True, slots=True)
class SupervisorCallbacks:
    """What binds a member to its crew.

    Attributes:
        park: see :data:`downloader.core.backend.Park`.
        ended: takes what became of transfers.
        moved: takes transfers whose next host the member does not know.
        ticked: told when a member is further than before.
        warn: takes a line for a person.
        since: when the run began, in seconds since the epoch.
    """

    park: backend.Park
    ended: Callable[[Iterable[backend.Ended]], None]
    moved: Callable[[Sequence[Move]], None]
    ticked: Callable[[], None]
    warn: Callable[[str], None]
    since: float


class Supervisor:
    """A part of a run, and a process for it.

    Args:
        options: how the run is made; limits of the whole run are this member's share.
        most: no more transfers than that at once, where the number is found out.
        ties: to the crew.

    Attributes:
        out: transfers that are here, by the row of their job.
        told: how far its process is, as that has told.
        told_at: when, by the clock of the event loop.
        rate: bytes per second that it may receive, if that is limited.
    """

    def __init__(self, options: TransferOptions, most: int, ties: SupervisorCallbacks) -> None:
        self.out: dict[int, Transfer] = {}
        self.told = IDLE
        self.told_at = 0.0
        self.rate = float(options.limit_rate or 0)
        self._options = options
        self._most = most
        self._ties = ties
        self._child: WorkerProcess | None = None
        self._held: list[Transfer] = []
        self._suspects: set[int] = set()
        self._strikes: dict[int, int] = {}
        self._deaths = 0
        self._received_before = 0
        self._stopped = False
        self._closed = False
        self._parking: set[asyncio.Task[None]] = set()

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return self._received_before + self.told.received

    @property
    def running(self) -> int:
        """How many transfers its process is at, just now."""
        return sum(1 for _ in self._child.roll) if self._child is not None else 0

    def give(self, transfers: Sequence[Transfer]) -> None:
        """Have these fetched when their turn comes."""
        self.out.update((transfer.job.row, transfer) for transfer in transfers)
        if self._suspects:
            self._held += transfers
        else:
            self._say(AddTransfers(transfers))

    def give_back(self, moves: Sequence[Move]) -> None:
        """Have these go on, each after so many seconds."""
        self.out.update((transfer.job.row, transfer) for transfer, _ in moves)
        if self._suspects:
            self._held += [transfer for transfer, _ in moves]
        else:
            self._say(Reassign(moves))

    def limit(self, rate: float) -> None:
        """Receive no more than so many bytes per second from now on."""
        self.rate = rate
        self._say(SetRateLimit(rate))

    def stop(self, *, now: bool) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        held, self._held = self._held, []
        self._drop([transfer.job.row for transfer in held], begun=())
        if self._child is None:
            self._drop(list(self.out), begun=())
        self._say(Stop(now))

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """Have the process end, and no other follow it."""
        self._stopped = self._closed = True
        if self._child is not None:
            self._child.close()

    async def work(self, *, debug: bool) -> None:
        """Keep a process at work, until the member is closed.

        Raises:
            RunError: the run cannot be made, or processes die whatever they do.
        """
        try:
            while not self._stopped:
                strikes = max((self._strikes[row] for row in self._suspects), default=0)
                at_once = _CAREFUL.get(strikes)
                start = Start(self._options, self._most, at_once, debug)
                await self._work_with(WorkerProcess(start))
        finally:
            self._drop(list(self.out), begun=())
            await asyncio.gather(*self._parking, return_exceptions=True)

    async def _work_with(self, child: WorkerProcess) -> None:
        """Give a process all that is here, and take what comes, until it ends."""
        self._child = child
        if self.rate:
            child.send(SetRateLimit(self.rate))
        self._held = [each for row, each in self.out.items() if row not in self._suspects]
        if self._suspects:
            child.send(AddTransfers([self.out[row] for row in self._suspects]))
        else:
            self._go_on()
        try:
            async with aclosing(child.frames()) as frames:
                async for frame in frames:
                    self._take(frame)
            status = await child.ended()
        finally:
            child.close()
            await child.ended()
            self._child = None
            begun = [row for row in child.roll if row in self.out]
            child.forget()
        self._received_before, self.told = self.received, IDLE
        if not self._closed:
            await self._died(status, begun)

    def _take(self, frame: ToParent) -> None:
        match frame:
            case Ended(outcomes):
                self._ties.ended([(self.out.pop(row), outcome) for row, outcome in outcomes])
                self._deaths = 0
                self._clear(row for row, _ in outcomes)
            case Reassign(moves):
                rows = [transfer.job.row for transfer, _ in moves]
                for row in rows:
                    del self.out[row]
                self._clear(rows)
                self._ties.moved(moves)
            case Untried(rows):
                self._drop(rows, begun=())
            case RecordPart(number, row, parked):
                noting = self._note(number, self.out[row], parked)
                task = asyncio.create_task(noting, name="journal")
                self._parking.add(task)
                task.add_done_callback(self._parking.discard)
            case ProgressUpdate():
                self.told, self.told_at = frame, asyncio.get_running_loop().time()
                self._ties.ticked()
            case FatalError(error):
                raise error

    async def _note(self, number: int, transfer: Transfer, parked: PartialFile) -> None:
        """Note what is parked, and remember it for the process that may come after this one."""
        child, error = self._child, None
        try:
            await self._ties.park(transfer.job, parked)
        except DiskError as refused:
            error = refused
        else:
            transfer.parked = parked if parked.body.validator else None
        if child is not None:
            child.send(PartRecorded(number, error))

    def _clear(self, rows: Iterable[int]) -> None:
        """Suspect these no more; when none is suspected, go on as usual."""
        if not self._suspects:
            return
        for row in rows:
            self._strikes.pop(row, None)
            self._suspects.discard(row)
        if not self._suspects:
            self._say(UseFullConcurrency())
            self._go_on()

    def _go_on(self) -> None:
        held, self._held = self._held, []
        if held:
            self._say(AddTransfers(held))

    async def _died(self, status: int, begun: list[int]) -> None:
        """Have it known that a process ended, and decide what is to be done with what it had.

        Args:
            status: its exit status, or the negative number of a signal.
            begun: rows of what it had begun, and of what it had not told the end of.
        """
        how = f"with status {status}" if status >= 0 else f"by signal {-status}"
        said = f"a worker process ended {how}"
        if self._stopped:
            self._ties.warn(f"{said} while it was to stop")
            self._drop(list(self.out), begun)
            return
        self._ties.warn(f"{said}; {_going_on(len(begun))}")
        self._deaths += 1
        if self._deaths >= _MOST_DEATHS:
            raise RunError(f"{said}, and {_MOST_DEATHS - 1} before it, without any outcome")
        for row in begun:
            self._strikes[row] = self._strikes.get(row, 0) + 1
        self._suspects = set(filter(self._may_be_tried, begun))
        suspects = [self.out[row] for row in self._suspects]
        await asyncio.to_thread(self._find_saved, suspects)

    def _may_be_tried(self, row: int) -> bool:
        """Return whether a transfer is to be tried again; otherwise it fails."""
        if self._strikes[row] < _MOST_STRIKES:
            return True
        del self._strikes[row]
        transfer = self.out.pop(row)
        error = InternalError(
            f"{_MOST_STRIKES} worker processes ended while they fetched it",
            hint="please report it, if they were not killed on purpose",
        )
        self._ties.ended([(transfer, failed(transfer, error))])
        return False

    def _find_saved(self, transfers: Iterable[Transfer]) -> None:
        """Find what the process saved and did not tell of.

        Files may be replaced; what it packed is taken from there.

        Raises:
            DiskError: the disk refuses to have its volume made whole.
        """
        if self._options.pack:
            for line in archive.recover(self._options):
                self._ties.warn(line)
        for transfer in transfers:
            job = transfer.job
            if self._options.pack:
                transfer.job = replace(
                    job, unrecorded_since=job.unrecorded_since or self._ties.since
                )
            elif job.saved is None and self._options.save and self._options.remote is None:
                saved = find_saved_since(self._options.output, job.name, self._ties.since)
                transfer.job = replace(job, saved=saved)

    def _drop(self, rows: Sequence[int], begun: Sequence[int]) -> None:
        """Give transfers up: those that had been tried have that outcome, others have none."""
        ended: list[backend.Ended] = []
        for row in rows:
            transfer = self.out.pop(row)
            if transfer.attempts or row in begun:
                ended.append((transfer, failed(transfer, asyncio.CancelledError())))
        self._ties.ended(ended)

    def _say(self, frame: ToChild) -> None:
        if self._child is not None:
            self._child.send(frame)


def _going_on(begun: int) -> str:
    """Return what is done about a process that died, and what it was at."""
    if not begun:
        return "another one goes on"
    urls = "the URL that it was at is" if begun == 1 else f"the {begun} URLs that it was at are"
    return f"{urls} tried again"
