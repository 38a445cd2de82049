"""The worker processes of a backend: start them, add up what they do, stop them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from downloader.core.processes.supervisor import Supervisor
from downloader.core.transfer_backend import EndedTransfer
from downloader.http import Cookie, CookieJar
from downloader.models import InFlight

#: A process that does not stop is killed after this time.
_STOP_SECONDS = 10.0


class WorkerGroup:
    """The supervisors of worker processes, each of which runs once it is started.

    Args:
        wake: set when there is something to collect, or a process has ended.
        on_error: called with the supervisor that cannot continue, and why.
        jar: the cookies of the run, which the processes share; None for a run without cookies.

    Attributes:
        jar: as given.
        supervisors: the supervisors.
        ended: transfers that have ended and not been collected.
    """

    def __init__(
        self,
        wake: asyncio.Event,
        on_error: Callable[[Supervisor, Exception], None],
        jar: CookieJar | None,
    ) -> None:
        self.jar = jar
        if jar is not None:
            jar.records_changes = True
        self.supervisors: list[Supervisor] = []
        self.ended: list[EndedTransfer] = []
        self._wake = wake
        self._on_error = on_error
        self._tasks: dict[Supervisor, asyncio.Task[None]] = {}
        self._kill_timer: asyncio.TimerHandle | None = None

    @property
    def unfinished(self) -> int:
        """Number of transfers that have been added and not been collected."""
        return sum(supervisor.load for supervisor in self.supervisors) + len(self.ended)

    @property
    def running(self) -> int:
        """Number of them that are being fetched now, or have ended without being reported yet."""
        return sum(supervisor.running for supervisor in self.supervisors)

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return sum(supervisor.received for supervisor in self.supervisors)

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now; of very many, not all."""
        now = asyncio.get_running_loop().time()
        return [
            replace(row, seconds=row.seconds + now - supervisor.progress_at)
            for supervisor in self.supervisors
            for row in supervisor.progress.in_flight
        ]

    def start(self, supervisor: Supervisor) -> None:
        """Run a supervisor, unless it is running."""
        if supervisor not in self._tasks:
            number = self.supervisors.index(supervisor) + 1
            running = self._run(supervisor)
            self._tasks[supervisor] = asyncio.create_task(running, name=f"process {number}")

    def add_ended(self, ended: Iterable[EndedTransfer]) -> None:
        """Add transfers that have ended."""
        self.ended += ended
        self._wake.set()

    def take_ended(self) -> list[EndedTransfer]:
        """Remove and return the transfers that have ended."""
        ended, self.ended = self.ended, []
        return ended

    def cookies_set(self, supervisor: Supervisor, cookies: Sequence[Cookie]) -> None:
        """Keep cookies that servers have set for one process, and send them to the others."""
        if self.jar is not None:
            self.jar.apply_changes(cookies)
        for each in self.supervisors:
            if each is not supervisor:
                each.share_cookies(cookies)

    def share_cookies(self) -> None:
        """Send the processes the cookies that servers have set for this one."""
        if self.jar is not None and (cookies := self.jar.take_changes()):
            for supervisor in self.supervisors:
                supervisor.share_cookies(cookies)

    def stop(self, *, now: bool) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        for supervisor in self.supervisors:
            supervisor.stop(now=now)
        if now and self._kill_timer is None and self.unfinished:
            loop = asyncio.get_running_loop()
            self._kill_timer = loop.call_later(_STOP_SECONDS, self._kill)

    async def close(self) -> None:
        """End all processes."""
        for supervisor in self.supervisors:
            supervisor.close()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._kill_timer is not None:
            self._kill_timer.cancel()

    def _kill(self) -> None:
        for supervisor in self.supervisors:
            if supervisor.load:
                supervisor.kill()

    async def _run(self, supervisor: Supervisor) -> None:
        try:
            await supervisor.run(debug=asyncio.get_running_loop().get_debug())
        except Exception as error:
            self._on_error(supervisor, error)
        finally:
            self._wake.set()
