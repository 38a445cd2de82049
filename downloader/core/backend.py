"""Who does the transfers of a run: what a batch asks of a pool, of processes, or of a cluster."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from downloader.core.transfer import Redirected, Transfer
from downloader.journal import Job, PartialFile
from downloader.models import InFlight, Outcome

#: Notes in the journal that a partial file is begun, and returns when that is written.
Park = Callable[[Job, PartialFile], Awaitable[None]]
#: A transfer, and what became of it; what a page refers to may turn out to be elsewhere.
Ended = tuple[Transfer, Outcome | Redirected]


class TransferBackend(AbstractAsyncContextManager["TransferBackend", None], Protocol):
    """Does transfers, each to its outcome, in its own order; an asynchronous context manager.

    Whoever makes one gives it an event that it sets when there is something to :meth:`collect`,
    and a :data:`Park`. A transfer belongs to the crew until it is collected, or until the crew is
    stopped before it was tried.

    Attributes:
        warnings: lines for a person, as they become known.

    Raises, on entering:
        RunError: the output folder, or a file that an option names, cannot be used.
        DiskError: the disk refuses to have the output folder made or written to.
    """

    warnings: list[str]

    async def __aenter__(self) -> Self:
        """Make ready."""

    @property
    def unfinished(self) -> int:
        """How many transfers are here that have not been collected."""

    @property
    def running(self) -> int:
        """How many of them are being fetched now, as far as is known."""

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest first; of very many, not all."""

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Have these fetched when their turn comes; once stopped, never."""

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""

    async def collect(self) -> list[Ended]:
        """Return what has finished since; whatever went wrong is its URL's outcome."""
