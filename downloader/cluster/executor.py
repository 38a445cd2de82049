"""The protocol of an executor, which runs portions on workers: Dask's, or that of a test."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from downloader.cluster.messages import Portion, PortionResult


class PortionLostError(Exception):
    """Every worker that was given a portion has died; the message says how many."""


class Executor(AbstractAsyncContextManager["Executor", None], Protocol):
    """Runs portions on workers; an asynchronous context manager.

    Attributes:
        warnings: one line each, for the user, as they become known; also while it is being entered.

    Raises, on entering:
        RunError: no worker can be had.
    """

    warnings: list[str]

    @property
    def slots(self) -> int:
        """Number of portions that can run at once with the present workers; at least 1."""

    async def execute(self, portion: Portion) -> PortionResult:
        """Run a portion on some worker, and on another one if that worker dies.

        Raises:
            PortionLostError: too many workers died while they had it.
            RunError: no portion can be run any more.
        """

    async def stop(self, *, now: bool) -> None:
        """Stop starting transfers on all workers; with *now*, also cancel the running ones."""
