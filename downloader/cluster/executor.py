"""What a campaign asks of those who have portions done somewhere: of Dask, or of a test."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from downloader.cluster.messages import Portion, PortionResult


class PortionLostError(Exception):
    """Everybody who was given a portion has died while at it; why, as a message."""


class Executor(AbstractAsyncContextManager["Executor", None], Protocol):
    """Has portions done; an asynchronous context manager.

    Whoever makes one gives it a function that takes ``PortionProgress``.

    Attributes:
        warnings: lines for a person, as they become known; also while it is being entered.

    Raises, on entering:
        RunError: nobody can be found to do anything.
    """

    warnings: list[str]

    @property
    def slots(self) -> int:
        """How many portions can be done at once, just now; at least 1."""

    async def do(self, work: Portion) -> PortionResult:
        """Have a portion done, and by others if those who are at it are lost.

        Raises:
            LostError: too many have been lost at it.
            RunError: nothing more can be done.
        """

    async def stop(self, *, now: bool) -> None:
        """Have everybody start nothing more; with *now*, end what is running as well."""
