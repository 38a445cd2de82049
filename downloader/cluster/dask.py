"""Runs portions on the workers of a Dask cluster; the only module that imports Dask.

Dask chooses a worker for each portion, and another one if that worker is lost. Outcomes come back
as the result of the task, so each is received exactly once; progress is sent as worker events and
only shown.
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
from downloader.web.ip_addresses import is_loopback

#: Retries of a portion whose task raised an exception; a worker's death is counted by Dask.
_TASK_RETRIES = 2
_CONNECT_SECONDS = 10
#: A local cluster has no dashboard, and its threads are not profiled.
_LOCAL_CLUSTER_CONFIG = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}
#: Portions that a local worker runs at once: while one waits for its hosts, others go on.
_THREADS_PER_LOCAL_WORKER = 4
_WORKERS_POLL_SECONDS = 2.0
_WORKERS_POLL_SECONDS_WITHOUT_ANY = 0.2
_FIRST_WORKER_POLL_SECONDS = 0.05
#: After this long without workers the user is warned, and then the run ends.
_NO_WORKERS_WARNING_SECONDS = 10.0
_NO_WORKERS_TIMEOUT_SECONDS = 300.0
_STOP_MESSAGE_SECONDS = 5.0
_ALIVE_STATUSES = {Status.running, Status.paused, Status.init, Status.closing_gracefully}
#: States of a task whose result is still expected, by this scheduler or after a reconnection.
_WANTED_TASK_STATES = {"executing", "long-running", "resumed"}
_RESUME_HINT = "run the command again to continue"


class DaskExecutor:
    """The workers of a Dask cluster; an :class:`~downloader.cluster.executor.Executor`.

    Args:
        run_id: identifies the cluster run.
        plan: has the address of the scheduler, if it is not to be started here.
        on_progress: called with the progress of running portions.
    """

    def __init__(
        self, run_id: str, plan: ClusterPlan, on_progress: Callable[[PortionProgress], None]
    ) -> None:
        self._run_id = run_id
        self._plan = plan
        self._on_progress = on_progress
        self._stack = AsyncExitStack()
        self._threads_by_worker: dict[str, int] = {}
        self._client: distributed.Client | None = None
        self._error: RunError | None = None
        self.warnings: list[str] = []

    @property
    def slots(self) -> int:
        """The number of threads of all workers."""
        return max(1, sum(self._threads_by_worker.values()))

    async def __aenter__(self) -> Self:
        if not asyncio.get_running_loop().get_debug():
            _silence_dask_logs()
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _open(self) -> None:
        """Connect to a scheduler, and wait for its first worker."""
        if self._plan.scheduler is None:
            client = await self._connect(await self._start_local_cluster())
        else:
            if _is_plaintext(self._plan.scheduler):
                self.warnings.append(
                    f"the connection to the Dask scheduler at {self._plan.scheduler} is not "
                    "encrypted: others on the network can read the URLs and run code; use tls://"
                )
            client = await self._connect_to_scheduler(self._plan.scheduler)
        self._client = client
        client.subscribe_topic(_topic(self._run_id), self._handle_event)
        if self._plan.scheduler is None:
            await client.register_plugin(_SignalsIgnored())
        watching = asyncio.create_task(self._watch_workers(client), name="workers")
        self._stack.push_async_callback(_cancel, watching)
        while not self._threads_by_worker and self._error is None:  # noqa: ASYNC110 - Dask has no event
            await asyncio.sleep(_FIRST_WORKER_POLL_SECONDS)
        if self._error is not None:
            raise self._error

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def execute(self, portion: Portion) -> PortionResult:
        """Run a portion on some worker."""
        if self._client is None:
            raise RunError("the cluster is not open")
        key = f"download-{self._run_id}-{portion.shard}-{portion.first_line}"
        future = self._client.submit(
            _run_on_worker, portion, key=key, pure=False, retries=_TASK_RETRIES
        )
        try:
            result: PortionResult = await future
        except KilledWorker as error:
            deaths = error.allowed_failures + 1
            raise PortionLostError(
                f"{deaths} workers died while they had its part of the list"
            ) from None
        except FutureCancelledError as error:
            raise self._error or RunError(
                f"the Dask scheduler has dropped the tasks of this run: {error.reason}",
                hint=_RESUME_HINT,
            ) from None
        except Exception as error:
            raise RunError(
                f"a Dask worker cannot run its task: {_reason(error)}",
                hint="install this program there, too",
            ) from error
        finally:
            future.release()
        return result

    async def stop(self, *, now: bool) -> None:
        """Stop the portions on all workers; a worker that does not answer is not waited for."""
        with suppress(Exception):
            async with asyncio.timeout(_STOP_MESSAGE_SECONDS):
                if self._client is not None:
                    await self._client.run(
                        portion_task.stop_run, self._run_id, now, on_error="ignore"
                    )

    async def _start_local_cluster(self) -> distributed.LocalCluster:
        """Start a scheduler and workers on this machine, with TLS keys that only they know."""
        with dask.config.set(_LOCAL_CLUSTER_CONFIG), _sigint_blocked_in_children():
            cluster = distributed.LocalCluster(
                n_workers=self._plan.workers,
                threads_per_worker=_THREADS_PER_LOCAL_WORKER,
                dashboard_address=None,
                # The scheduler listens all the same; its default port may be taken.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                asynchronous=True,
                # Whoever can submit tasks can run any code as this user.
                security=True,
                silence_logs=logging.CRITICAL,
            )
            # Pushed before the start: an interrupted start has processes to end.
            self._stack.push_async_callback(_close, cluster)
            await cluster
        return cluster

    async def _connect_to_scheduler(self, address: str) -> distributed.Client:
        """Return a client of an existing scheduler.

        Raises:
            RunError: there is none at that address.
        """
        try:
            # An invalid address would leave a half-made client behind.
            parse_host_port(parse_address(address)[1])
            # Dask's timeout holds for each attempt, and it may make any number of them.
            async with asyncio.timeout(2 * _CONNECT_SECONDS):
                return await self._connect(address)
        except (OSError, ValueError, ImportError, RuntimeError, TypeError) as error:
            # Dask raises TypeError for missing TLS keys.
            raise RunError(
                f"cannot reach a Dask scheduler at {address}: {_reason(error)}",
                hint="start one with: dask scheduler",
            ) from error

    async def _connect(self, scheduler: str | distributed.LocalCluster) -> distributed.Client:
        client = distributed.Client(
            scheduler,
            asynchronous=True,
            timeout=_CONNECT_SECONDS,
            set_as_default=False,
            name="download",
        )
        # Pushed before the connection: a client that cannot connect must be closed as well.
        self._stack.push_async_callback(_close, client)
        await client
        return client

    async def _watch_workers(self, client: distributed.Client) -> None:
        """Count the workers periodically; give up when there have been none for long."""
        loop = asyncio.get_running_loop()
        last_seen = loop.time()
        while True:
            with suppress(OSError, asyncio.TimeoutError):
                self._threads_by_worker = dict(await client.nthreads())
            absence = loop.time() - last_seen
            if self._threads_by_worker:
                last_seen = loop.time()
            elif absence > _NO_WORKERS_WARNING_SECONDS and not self.warnings:
                self.warnings.append(
                    "the Dask scheduler has no workers yet; start some with: dask worker ADDRESS"
                )
            elif absence > _NO_WORKERS_TIMEOUT_SECONDS and self._error is None:
                self._error = RunError(
                    "the Dask scheduler has had no workers for five minutes",
                    hint="start some, where this program is installed, with: dask worker ADDRESS",
                )
                await client.cancel(list(client.futures.values()))
            has_workers = bool(self._threads_by_worker)
            await asyncio.sleep(
                _WORKERS_POLL_SECONDS if has_workers else _WORKERS_POLL_SECONDS_WITHOUT_ANY
            )

    def _handle_event(
        self, event: tuple[float, tuple[int, int, int, int, int, list[list[object]]]]
    ) -> None:
        """Report the progress in an event, as :func:`_run_on_worker` logs it."""
        shard, done, failed, received, running, rows = event[1]
        in_flight = [
            InFlight(str(url), float(str(seconds)), int(str(size))) for url, seconds, size in rows
        ]
        self._on_progress(PortionProgress(shard, done, failed, received, running, in_flight))


def _silence_dask_logs() -> None:
    """Disable Dask's log messages; errors reach the user once, as exceptions."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _sigint_blocked_in_children() -> Iterator[None]:
    """Block SIGINT in child processes that are started in the block, without losing it here.

    Another thread handles it, or this thread does at the end of the block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Its start would unblock the signal in this thread.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _SignalsIgnored(distributed.WorkerPlugin):
    """Has local workers, restarted ones included, ignore Ctrl-C, which this process handles."""

    def setup(self, worker: distributed.Worker) -> None:
        """Ignore SIGINT."""
        # A handler can only be set in the main thread, where a worker has its event loop.
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_on_worker(portion: Portion) -> PortionResult:
    """Run a portion; this is the Dask task."""
    worker = distributed.get_worker()
    key = worker.get_current_task()

    def report(progress: PortionProgress) -> None:
        rows = [[row.url, row.seconds, row.received] for row in progress.in_flight]
        counts = (progress.shard, progress.done, progress.failed)
        event = (*counts, progress.received, progress.running, rows)
        worker.log_event(_topic(portion.run_id), event)

    def is_wanted() -> bool:
        state = worker.state.tasks.get(key)
        is_alive = worker.status in _ALIVE_STATUSES
        return is_alive and state is not None and state.state in _WANTED_TASK_STATES

    return portion_task.run_portion(portion, report, is_wanted)


def _topic(run_id: str) -> str:
    return f"download-{run_id}"


async def _close(resource: distributed.Client | distributed.LocalCluster) -> None:
    closing = resource.close()
    if closing is not None:
        await closing


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "it does not answer"
    return (str(error).strip() or type(error).__name__).splitlines()[0]


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _is_plaintext(address: str) -> bool:
    """Return whether a scheduler at *address* is on another machine and reached without TLS."""
    scheme, place = parse_address(address)
    if scheme in ("tls", "wss", "inproc"):
        return False
    host = place.rpartition(":")[0].strip("[]")
    return host != "localhost" and not is_loopback(host)
