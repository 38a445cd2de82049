"""The interface of transfer backends: the pool of this process, or several processes."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from downloader.core.transfer import Redirected, Transfer
from downloader.models import InFlight, Outcome

#: A transfer that has ended, and its outcome.
EndedTransfer = tuple[Transfer, Outcome | Redirected]


class TransferBackend(AbstractAsyncContextManager["TransferBackend", None], Protocol):
    """Fetches URLs, each to its outcome, in an order of its own; an async context manager.

    An implementation is created with an event, which it sets when there is something to
    :meth:`collect`, and a :class:`~downloader.core.transfer.TransferJournal`. A transfer belongs to
    the backend until it is collected, or until the backend is stopped before it was started.

    Attributes:
        warnings: warnings so far, one line each.

    Raises, on entering:
        RunError: the output folder, or a file that an option names, cannot be used.
        DiskError: the disk refuses to create the output folder or to write to it.
    """

    warnings: list[str]

    async def __aenter__(self) -> Self:
        """Open what transfers need."""

    @property
    def unfinished(self) -> int:
        """Number of transfers that have been added and not been collected."""

    @property
    def running(self) -> int:
        """Number of them that are being fetched now, as far as is known."""

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest-running first; of very many, not all."""

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Queue transfers; ignored after :meth:`stop`."""

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""

    async def collect(self) -> list[EndedTransfer]:
        """Return the transfers that have ended since the last call."""
