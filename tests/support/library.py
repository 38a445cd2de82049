"""The library without waiting between attempts."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from downloader import Downloaded, Options, Outcome, Target
from downloader.core.local_run import LocalRun
from downloader.sources import from_items
from tests.support.clock import FakeClock


async def fetch(
    addresses: Iterable[str | Target],
    folder: Path,
    options: Options | None = None,
    clock: FakeClock | None = None,
) -> list[Outcome]:
    """Do what ``download_sites`` does, without waiting between attempts."""
    clock = clock or FakeClock()
    options = replace(options or Options(), output=folder)
    batch = LocalRun(lambda _: from_items(addresses), options, sleep=clock.sleep, clock=clock)
    outcomes = [outcome async for outcome in batch.outcomes()]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def downloaded(outcome: Outcome) -> Downloaded:
    """Return *outcome*, which must be a success."""
    assert isinstance(outcome, Downloaded), outcome
    return outcome
