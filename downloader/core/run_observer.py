"""The observer of a run, which may add URLs to it, as a mirror does; by default none."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Protocol, Self

from downloader.journal import Job
from downloader.models import Failed, Outcome, Target
from downloader.web.urls import Url


class RunObserver(Protocol):
    """Sees what a run reads and fetches; an asynchronous context manager.

    Every method is called from the event loop, per batch and never per URL, but for
    :meth:`redirected`.
    """

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""

    @property
    def rewritten(self) -> int | None:
        """Documents whose links have been rewritten; None before :meth:`finish`."""

    @property
    def is_incomplete(self) -> bool:
        """Whether URLs were left out that belong to what was asked for."""

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do until the next :meth:`notify`."""

    async def __aenter__(self) -> Self:
        """Open what the observer needs."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""

    def lines_read(self, lines: Iterable[Target | Failed]) -> None:
        """Note lines of the list, before the journal admits them."""

    def list_ended(self) -> None:
        """Note that the last line has been admitted."""

    def notify(self) -> None:
        """Take notice that lines were admitted, or outcomes recorded."""

    def redirected(self, job: Job, to: Url) -> None:
        """Take over a URL that this observer had added, and that redirects elsewhere."""

    def reported(self, ended: Sequence[tuple[Target, Outcome]]) -> list[Outcome]:
        """Return the outcomes to report; URLs that this observer had added may have none."""

    def stop(self) -> None:
        """Start nothing more."""

    async def run(self) -> None:
        """Add to the run what its outcomes lead to, until cancelled."""

    async def finish(self) -> None:
        """Do what has to wait until everything has been fetched."""


class NullObserver:
    """Watches nothing and adds nothing."""

    rewritten: int | None = None
    is_incomplete = False
    idle = True

    @property
    def warnings(self) -> list[str]:
        """No warnings."""
        return []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def lines_read(self, lines: Iterable[Target | Failed]) -> None:
        """Do nothing."""

    def list_ended(self) -> None:
        """Do nothing."""

    def notify(self) -> None:
        """Do nothing."""

    def redirected(self, job: Job, to: Url) -> None:
        """Do nothing: only URLs that an observer had added are reported as redirected."""

    def reported(self, ended: Sequence[tuple[Target, Outcome]]) -> list[Outcome]:
        """Return every outcome as it is."""
        return [outcome for _, outcome in ended]

    def stop(self) -> None:
        """Do nothing."""

    async def run(self) -> None:
        """Return at once: there is nothing to add."""

    async def finish(self) -> None:
        """Do nothing."""
