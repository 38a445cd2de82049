"""Has portions done by the workers of a Dask cluster; the only module that knows Dask.

Dask finds somebody to do a portion, and somebody else when that one is lost. Everything else is
ours: outcomes come back as the result of a portion, which there is exactly once, and what is told
meanwhile is only for the bar.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from types import TracebackType
from typing import Self

import dask.config
import distributed
from distributed.client import FutureCancelledError
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.core import Status
from distributed.scheduler import KilledWorker

from downloader.cluster import portion_task
from downloader.cluster.executor import PortionLostError
from downloader.cluster.messages import ClusterPlan, Portion, PortionProgress, PortionResult
from downloader.errors import RunError
from downloader.models import InFlight

#: A portion whose worker had an accident of its own (and did not die) is tried again so often.
_RETRIES = 2
_CONNECT_SECONDS = 10
#: Of a cluster of ours nobody sees the dashboard: it has no pages, and threads are not sampled.
_PLAIN = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}
#: So many shards are done at once by a worker of ours: while one waits for a host, others go on.
_THREADS = 4
_LOOK_SECONDS = 2.0
#: A cluster without workers for so long will not get any.
_WORKERLESS_SECONDS = 300.0
_NOTICE_SECONDS = 10.0
_TELL_SECONDS = 5.0
_AT_WORK = {Status.running, Status.paused, Status.init, Status.closing_gracefully}
#: Of a task that somebody waits for, or will again.
_WANTED = {"executing", "long-running", "resumed"}


class DaskExecutor:
    """The workers of a cluster; an :class:`~downloader.cluster.executor.Executor`.

    Args:
        run: which campaign it is for.
        plan: where the scheduler is.
        told: takes how far portions are.
    """

    def __init__(
        self, run: str, plan: ClusterPlan, told: Callable[[PortionProgress], None]
    ) -> None:
        self._run = run
        self._plan = plan
        self._told = told
        self._stack = AsyncExitStack()
        self._threads: dict[str, int] = {}
        self._client: distributed.Client | None = None
        self._fault: RunError | None = None
        self.warnings: list[str] = []

    @property
    def slots(self) -> int:
        """How many threads all workers have."""
        return max(1, sum(self._threads.values()))

    async def __aenter__(self) -> Self:
        if not asyncio.get_running_loop().get_debug():
            _be_quiet()
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _open(self) -> None:
        """Find a scheduler, and wait for its first worker."""
        if self._plan.address is None:
            client = await self._connected(await self._started())
        else:
            client = await self._found(self._plan.address)
        self._client = client
        client.subscribe_topic(_topic(self._run), self._heard)
        if self._plan.address is None:
            await client.register_plugin(_SignalsIgnored())
        looking = asyncio.create_task(self._look(client), name="workers")
        self._stack.push_async_callback(_end, looking)
        while not self._threads and self._fault is None:  # noqa: ASYNC110 - Dask has no event
            await asyncio.sleep(0.05)
        if self._fault is not None:
            raise self._fault

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def do(self, work: Portion) -> PortionResult:
        """Have a portion done by some worker."""
        if self._client is None:
            raise RunError("the cluster is not open")
        key = f"download-{self._run}-{work.shard}-{work.first}"
        future = self._client.submit(_do, work, key=key, pure=False, retries=_RETRIES)
        try:
            done: PortionResult = await future
        except KilledWorker as error:
            died = error.allowed_failures + 1
            raise PortionLostError(
                f"{died} workers died while they had its part of the list"
            ) from None
        except FutureCancelledError as error:
            raise self._fault or RunError(
                f"the Dask scheduler has dropped what it was to do: {error.reason}",
                hint="run it again: it goes on where it was",
            ) from None
        except Exception as error:
            raise RunError(
                f"a Dask worker cannot do its part: {_reason(error)}",
                hint="see that this program is installed there",
            ) from error
        finally:
            future.release()
        return done

    async def stop(self, *, now: bool) -> None:
        """Tell all workers; one that does not hear it is not waited for."""
        with suppress(Exception):
            async with asyncio.timeout(_TELL_SECONDS):
                if self._client is not None:
                    await self._client.run(portion_task.stop, self._run, now, on_error="ignore")

    async def _started(self) -> distributed.LocalCluster:
        """Start a scheduler and workers on this machine; nobody else can speak to them."""
        with dask.config.set(_PLAIN), _deaf_children():
            cluster = distributed.LocalCluster(
                n_workers=self._plan.workers,
                threads_per_worker=_THREADS,
                dashboard_address=None,
                # It listens all the same, and by itself at a port that others may have.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                asynchronous=True,
                # Whoever may submit tasks may run anything as this user: hence keys of our own.
                security=True,
                silence_logs=logging.CRITICAL,
            )
            # Before it is started: what is broken off half-way has processes already.
            self._stack.push_async_callback(_close, cluster)
            await cluster
        return cluster

    async def _found(self, address: str) -> distributed.Client:
        """Return a client of somebody's scheduler.

        Raises:
            RunError: there is none at that address.
        """
        try:
            # One that is none would leave a client half made.
            parse_host_port(parse_address(address)[1])
            # Dask's own limit is for each of its attempts, of which there may be no end.
            async with asyncio.timeout(2 * _CONNECT_SECONDS):
                return await self._connected(address)
        except (OSError, ValueError, ImportError, RuntimeError, TypeError) as error:
            # It says by a TypeError that keys for TLS are missing.
            raise RunError(
                f"cannot reach a Dask scheduler at {address}: {_reason(error)}",
                hint="start one with: dask scheduler",
            ) from error

    async def _connected(self, to: str | distributed.LocalCluster) -> distributed.Client:
        client = distributed.Client(
            to, asynchronous=True, timeout=_CONNECT_SECONDS, set_as_default=False, name="download"
        )
        # Before it is connected: one that cannot be has to be closed as well.
        self._stack.push_async_callback(_close, client)
        await client
        return client

    async def _look(self, client: distributed.Client) -> None:
        """See now and then who is there; when nobody has been for long, give up."""
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while True:
            with suppress(OSError, asyncio.TimeoutError):
                self._threads = dict(await client.nthreads())
            if self._threads:
                seen = loop.time()
            elif loop.time() - seen > _NOTICE_SECONDS and not self.warnings:
                self.warnings.append(
                    "the Dask scheduler has no workers yet; start some with: dask worker ADDRESS"
                )
            elif loop.time() - seen > _WORKERLESS_SECONDS and self._fault is None:
                self._fault = RunError(
                    "the Dask scheduler has had no workers for five minutes",
                    hint="start some, where this program is installed, with: dask worker ADDRESS",
                )
                await client.cancel(list(client.futures.values()))
            await asyncio.sleep(_LOOK_SECONDS if self._threads else 0.2)

    def _heard(
        self, event: tuple[float, tuple[int, int, int, int, int, list[list[object]]]]
    ) -> None:
        shard, done, failed, received, running, rows = event[1]
        in_flight = [
            InFlight(str(url), float(str(seconds)), int(str(size))) for url, seconds, size in rows
        ]
        self._told(PortionProgress(shard, done, failed, received, running, in_flight))


def _be_quiet() -> None:
    """Have Dask log nothing: what a person has to know of it is said once, as an error of ours."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Have processes that begin meanwhile begin with Ctrl-C blocked; this one's is not lost.

    Another thread takes it, or else this one does when the block ends.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # It would unblock the signal in the thread that starts it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _SignalsIgnored(distributed.WorkerPlugin):
    """Workers of ours, and those that follow them, leave the terminal's signals to this process."""

    def setup(self, worker: distributed.Worker) -> None:
        """Heed them no more."""
        # Only possible in the main thread, which is where a worker's event loop is.
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _do(work: Portion) -> PortionResult:
    """Do a portion on a worker."""
    worker = distributed.get_worker()
    key = worker.get_current_task()

    def told(progress: PortionProgress) -> None:
        rows = [[row.url, row.seconds, row.received] for row in progress.rows]
        counts = (progress.shard, progress.done, progress.failed)
        worker.log_event(_topic(work.run), (*counts, progress.received, progress.running, rows))

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return worker.status in _AT_WORK and state is not None and state.state in _WANTED

    return portion_task.do(work, told, wanted)


def _topic(run: str) -> str:
    return f"download-{run}"


async def _close(one: distributed.Client | distributed.LocalCluster) -> None:
    closing = one.close()
    if closing is not None:
        await closing


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "it does not answer"
    return (str(error).strip() or type(error).__name__).splitlines()[0]


async def _end(looking: asyncio.Task[None]) -> None:
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
