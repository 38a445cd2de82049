"""Keep one worker process running, and find out which URL crashes processes.

The parent keeps every transfer until it knows its outcome. When a process dies, another one
continues with its transfers. Those that were in flight are retried first, a few at a time and at
last alone, so that a URL that crashes processes is found and fails by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from downloader import archive
from downloader.core.host_release import Move, ReleasedHosts
from downloader.core.processes.ipc import (
    AddTransfers,
    CapConcurrency,
    ClaimName,
    CookiesSet,
    FatalError,
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
    ToWorker,
    TransfersEnded,
    Untried,
)
from downloader.core.processes.process import WorkerProcess
from downloader.core.transfer import Transfer, TransferJournal, TransferStep
from downloader.core.transfer_backend import EndedTransfer
from downloader.core.transfer_outcomes import failed
from downloader.errors import DiskError, InternalError, RunError
from downloader.http import Cookie, CookieJar
from downloader.journal import Submission, find_saved_since
from downloader.models import TransferOptions
from downloader.models.shards import host_group
from downloader.scheduling import HostState
from downloader.web.filenames import FileName

#: How many suspects are fetched at once, by the number of processes that died fetching them.
_SUSPECT_CONCURRENCY = {1: 8, 2: 1}
#: A URL fails when this many processes have died while fetching it.
_MAX_CRASHES_PER_URL = 3
#: The run ends when this many processes in a row have died without any outcome.
_MAX_CRASHES_WITHOUT_OUTCOME = 20
_NO_PROGRESS = ProgressUpdate(0, 0, ())


@dataclass(frozen=True, slots=True)
class SupervisorCallbacks:
    """The callbacks of a supervisor to its backend.

    Attributes:
        journal: records steps, and claims names.
        on_ended: called with transfers that have ended.
        on_reassign: called with transfers whose next host may belong to another process.
        on_released: called with the answer to :meth:`Supervisor.release`.
        on_cookies: called with the cookies that servers have set for a supervisor's process.
        on_progress: called after each progress update.
        warn: called with each warning, one line.
        run_started_at: seconds since the epoch.
    """

    journal: TransferJournal
    on_ended: Callable[[Iterable[EndedTransfer]], None]
    on_reassign: Callable[[Sequence[Move]], None]
    on_released: Callable[[ReleasedHosts], None]
    on_cookies: Callable[["Supervisor", Sequence[Cookie]], None]
    on_progress: Callable[[], None]
    warn: Callable[[str], None]
    run_started_at: float


class Supervisor:
    """The transfers of one worker process, and the process itself.

    Args:
        options: the options of the run, with this process's share of its limits.
        max_concurrency: the largest number of transfers at once, unless ``--concurrency`` fixes it.
        callbacks: to the backend.
        jar: the cookies of the run, which its next process begins with; or None.

    Attributes:
        transfers: transfers without an outcome, by the row of their job.
        ended: how many transfers have had an outcome.
        ready: whether a process has ever said that it is.
        progress: the last progress update.
        progress_at: when it came, by the clock of the event loop.
        rate: the rate limit in bytes per second; 0 for none.
    """

    def __init__(
        self,
        options: TransferOptions,
        max_concurrency: int,
        callbacks: SupervisorCallbacks,
        jar: CookieJar | None,
    ) -> None:
        self.transfers: dict[int, Transfer] = {}
        self.ended = 0
        self.ready = False
        self.progress = _NO_PROGRESS
        self.progress_at = 0.0
        self.rate = float(options.limit_rate or 0)
        self._options = options
        self._max_concurrency = max_concurrency
        self._concurrency_cap: int | None = None
        self._callbacks = callbacks
        self._jar = jar
        self._process: WorkerProcess | None = None
        # Transfers that wait until no transfer is suspected.
        self._held: list[Transfer] = []
        self._suspects: set[int] = set()
        # Groups of hosts that the process is to release.
        self._releasing: set[int] = set()
        self._crashes_by_row: dict[int, int] = {}
        self._crashes_without_outcome = 0
        self._received_by_dead = 0
        self._stopped = False
        self._closed = False
        self._recording: set[asyncio.Task[None]] = set()

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return self._received_by_dead + self.progress.received

    @property
    def running(self) -> int:
        """Number of transfers that the process is running now."""
        return sum(1 for _ in self._process.in_flight) if self._process is not None else 0

    def add(self, transfers: Sequence[Transfer]) -> None:
        """Queue transfers."""
        self.transfers.update((transfer.job.row, transfer) for transfer in transfers)
        if self._suspects:
            self._held += transfers
        else:
            self._send(AddTransfers(transfers))

    def add_moved(self, moves: Sequence[Move]) -> None:
        """Queue started transfers from other processes; see :meth:`.Pool.add_moved`."""
        self.transfers.update((transfer.job.row, transfer) for transfer, _ in moves)
        if self._suspects:
            self._held += [transfer for transfer, _ in moves]
        else:
            self._send(Reassign(moves))

    @property
    def load(self) -> int:
        """Number of transfers without an outcome."""
        return len(self.transfers)

    def waiting_by_group(self) -> Counter[int]:
        """Return how many transfers there are of each group of hosts, running ones included."""
        return Counter(host_group(transfer.host) for transfer in self.transfers.values())

    def restore(self, states: Sequence[HostState]) -> None:
        """Tell the process what others know of hosts, before it gets their transfers."""
        self._send(RestoreHosts(states))

    def release(self, groups: Collection[int]) -> None:
        """Let the process release these groups of hosts."""
        self._releasing.update(groups)
        if not self._suspects:
            self._send(ReleaseHosts([*groups]))

    def cap_concurrency(self, cap: int) -> None:
        """Let the process start no transfer beyond *cap* at once."""
        self._concurrency_cap = cap
        if not self._suspects:
            self._send(CapConcurrency(cap))

    def set_rate_limit(self, rate: float) -> None:
        """Change the rate limit, in bytes per second."""
        self.rate = rate
        self._send(SetRateLimit(rate))

    def share_cookies(self, cookies: Sequence[Cookie]) -> None:
        """Send cookies that servers have set for others to the process, if there is one."""
        self._send(CookiesSet(cookies))

    def stop(self, *, now: bool) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        held, self._held = self._held, []
        self._drop([transfer.job.row for transfer in held], in_flight=())
        if self._process is None:
            self._drop(list(self.transfers), in_flight=())
        self._send(Stop(now))

    def kill(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the process, and start no other."""
        self._stopped = self._closed = True
        if self._process is not None:
            self._process.close()

    async def run(self, *, debug: bool) -> None:
        """Keep a process running, until :meth:`close` is called.

        Raises:
            RunError: the run cannot continue, or every process dies.
        """
        try:
            while not self._stopped:
                crashes = max((self._crashes_by_row[row] for row in self._suspects), default=0)
                cap = _SUSPECT_CONCURRENCY.get(crashes, self._concurrency_cap)
                cookies = None if self._jar is None else self._jar.contents
                start = Start(self._options, self._max_concurrency, cap, debug, cookies)
                await self._run_process(WorkerProcess(start))
        finally:
            self._drop(list(self.transfers), in_flight=())
            await asyncio.gather(*self._recording, return_exceptions=True)

    async def _run_process(self, process: WorkerProcess) -> None:
        """Send all transfers to a process, suspects first, and handle its frames until it ends."""
        self._process = process
        if self.rate:
            process.send(SetRateLimit(self.rate))
        self._held = [each for row, each in self.transfers.items() if row not in self._suspects]
        if self._suspects:
            process.send(AddTransfers([self.transfers[row] for row in self._suspects]))
        else:
            self._send_held()
        try:
            async with aclosing(process.frames()) as frames:
                async for frame in frames:
                    self._handle(frame)
            status = await process.wait()
        finally:
            process.close()
            await process.wait()
            self._process = None
            in_flight = [row for row in process.in_flight if row in self.transfers]
            process.release()
        self._received_by_dead, self.progress = self.received, _NO_PROGRESS
        if not self._closed:
            await self._handle_death(status, in_flight)

    def _handle(self, frame: ToParent) -> None:
        match frame:
            case TransfersEnded(outcomes):
                self.ended += len(outcomes)
                self._callbacks.on_ended(
                    [(self.transfers.pop(row), outcome) for row, outcome in outcomes]
                )
                self._crashes_without_outcome = 0
                self._clear_suspicion(row for row, _ in outcomes)
            case Reassign(moves):
                rows = [transfer.job.row for transfer, _ in moves]
                for row in rows:
                    del self.transfers[row]
                self._clear_suspicion(rows)
                self._callbacks.on_reassign(moves)
            case HostsReleased(released, rows):
                self._releasing -= released.groups | released.kept
                released.transfers = [self.transfers.pop(row) for row in rows]
                for transfer, _ in released.moves:
                    del self.transfers[transfer.job.row]
                self._callbacks.on_released(released)
            case Untried(rows):
                self._drop(rows, in_flight=())
            case RecordStep(number, row, step):
                self._use_journal(self._record_step(number, self.transfers[row], step))
            case ClaimName(number, row, names):
                self._use_journal(self._claim_name(number, self.transfers[row], names))
            case CookiesSet(cookies):
                self._callbacks.on_cookies(self, cookies)
            case ProgressUpdate():
                self.ready = True
                self.progress, self.progress_at = frame, asyncio.get_running_loop().time()
                self._callbacks.on_progress()
            case FatalError(error):
                raise error

    def _use_journal(self, request: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(request, name="journal")
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)

    async def _record_step(self, number: int, transfer: Transfer, step: TransferStep) -> None:
        """Record a step, and remember it for the process that may follow this one."""
        process, error = self._process, None
        try:
            await self._callbacks.journal.record_step(transfer.job, step)
        except DiskError as disk_error:
            error = disk_error
        else:
            if isinstance(step, Submission):
                transfer.was_submitted = True
            else:
                transfer.partial_file = step if step.body.validator else None
        if process is not None:
            process.send(JournalReply(number, None, error))

    async def _claim_name(self, number: int, transfer: Transfer, names: Sequence[FileName]) -> None:
        """Claim a name, and remember it for the process that may follow this one."""
        process, name, error = self._process, None, None
        try:
            name = await self._callbacks.journal.claim_name(transfer.job, names)
        except DiskError as disk_error:
            error = disk_error
        if name is not None:
            transfer.job = replace(transfer.job, name=name, is_name_free=False)
        if process is not None:
            process.send(JournalReply(number, name, error))

    def _clear_suspicion(self, rows: Iterable[int]) -> None:
        """Suspect these no more; after the last suspect, send the transfers that were held."""
        if not self._suspects:
            return
        for row in rows:
            self._crashes_by_row.pop(row, None)
            self._suspects.discard(row)
        if not self._suspects:
            self._send(CapConcurrency(self._concurrency_cap))
            self._send_held()

    def _send_held(self) -> None:
        held, self._held = self._held, []
        if held:
            self._send(AddTransfers(held))
        if self._releasing:
            self._send(ReleaseHosts([*self._releasing]))

    async def _handle_death(self, status: int, in_flight: list[int]) -> None:
        """Warn that a process has died, and decide what becomes of its transfers.

        Args:
            status: its exit status, or the negative number of a signal.
            in_flight: rows of transfers that it was running, or had ended and not reported.
        """
        how = f"with status {status}" if status >= 0 else f"by signal {-status}"
        death = f"a worker process ended {how}"
        if self._stopped:
            self._callbacks.warn(f"{death} while stopping")
            self._drop(list(self.transfers), in_flight)
            return
        if not self.ready and not self.transfers:
            raise RunError(f"{death} before it was ready")
        self._callbacks.warn(f"{death}; {_consequence(len(in_flight))}")
        self._crashes_without_outcome += 1
        if self._crashes_without_outcome >= _MAX_CRASHES_WITHOUT_OUTCOME:
            others = _MAX_CRASHES_WITHOUT_OUTCOME - 1
            raise RunError(f"{death}, and {others} before it, without any outcome")
        for row in in_flight:
            self._crashes_by_row[row] = self._crashes_by_row.get(row, 0) + 1
        self._suspects = set(filter(self._may_be_retried, in_flight))
        suspects = [self.transfers[row] for row in self._suspects]
        await asyncio.to_thread(self._find_saved, suspects)

    def _may_be_retried(self, row: int) -> bool:
        """Return whether a transfer may be retried after a crash; fail it otherwise."""
        submitted = self.transfers[row].may_be_submitted and not self._options.retry_all
        if self._crashes_by_row[row] < _MAX_CRASHES_PER_URL and not submitted:
            return True
        del self._crashes_by_row[row]
        transfer = self.transfers.pop(row)
        hint = "please report it, if they were not killed on purpose"
        if submitted:
            error = InternalError(
                "a worker process ended after it sent the request",
                hint=f"it is not repeated; --retry-all does; {hint}",
            )
        else:
            error = InternalError(
                f"{_MAX_CRASHES_PER_URL} worker processes ended while they fetched it", hint=hint
            )
        self._callbacks.on_ended([(transfer, failed(transfer, error))])
        return False

    def _find_saved(self, transfers: Iterable[Transfer]) -> None:
        """Find what a dead process saved without reporting it.

        A file may be replaced by the next attempt; what was packed is read from the volume.

        Raises:
            DiskError: a volume cannot be repaired.
        """
        if self._options.pack:
            for warning in archive.recover(self._options):
                self._callbacks.warn(warning)
        run_started_at = self._callbacks.run_started_at
        for transfer in transfers:
            job = transfer.job
            if self._options.pack:
                transfer.job = replace(job, unrecorded_since=job.unrecorded_since or run_started_at)
            elif job.saved is None and self._options.save and self._options.remote is None:
                saved = find_saved_since(self._options.output, job.name, run_started_at)
                transfer.job = replace(job, saved=saved)

    def _drop(self, rows: Sequence[int], in_flight: Sequence[int]) -> None:
        """Give transfers up: those that were started end as interrupted, others as untried."""
        ended: list[EndedTransfer] = []
        for row in rows:
            transfer = self.transfers.pop(row)
            if transfer.attempts or row in in_flight:
                ended.append((transfer, failed(transfer, asyncio.CancelledError())))
        self._callbacks.on_ended(ended)

    def _send(self, frame: ToWorker) -> None:
        if self._process is not None:
            self._process.send(frame)


def _consequence(in_flight: int) -> str:
    """Return how the run continues after a process has died with transfers in flight."""
    if not in_flight:
        return "another one continues"
    urls = "the URL that it was fetching is"
    if in_flight > 1:
        urls = f"the {in_flight} URLs that it was fetching are"
    return f"{urls} retried"
