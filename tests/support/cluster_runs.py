"""Runs on a cluster whose workers are threads of this process."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader import Options, Outcome
from downloader._version import __version__
from downloader.cluster import ClusterPlan, ClusterRun, portion_task
from downloader.cluster.messages import (
    Portion,
    PortionProgress,
    PortionResult,
    encode_entry,
)
from downloader.models import Target
from downloader.web.urls import Url


class ThreadExecutor:
    """Does portions in threads of this process.

    Attributes:
        seen: what was to be done, in order.
        at_once: portions that are being done now, by shard.
        most: how many of one shard there were at most.
        together: how many there were at most in all.
    """

    slots = 2

    def __init__(self, before: Callable[[Portion], None] = lambda _: None) -> None:
        self.seen: list[Portion] = []
        self.warnings: list[str] = []
        self.at_once: Counter[int] = Counter()
        self.most = 0
        self.together = 0
        self._before = before
        self._run = ""

    def __call__(
        self, run: str, _plan: ClusterPlan, _on_progress: Callable[[PortionProgress], None]
    ) -> Self:
        self._run = run
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    async def execute(self, work_for: Portion) -> PortionResult:
        self.seen.append(work_for)
        self.at_once[work_for.shard] += 1
        self.most = max(self.most, *self.at_once.values())
        self.together = max(self.together, self.at_once.total())
        try:
            self._before(work_for)
            return await asyncio.to_thread(
                portion_task.run_portion, work_for, lambda _: None, lambda: True
            )
        finally:
            self.at_once[work_for.shard] -= 1

    async def stop(self, *, now: bool) -> None:
        portion_task.stop_run(self._run, now)


async def cluster_run(
    source: Path | str, output: Path, here: ThreadExecutor, portion: int = 10_000, **options: object
) -> list[Outcome]:
    made = replace(Options(output=output), **options)  # type: ignore[arg-type]
    one = ClusterRun((str(source),), made, ClusterPlan(shards=4), here, portion)
    found = [outcome async for outcome in one.outcomes()]
    assert one.progress.total == len(found) + one.progress.untried
    return sorted(found, key=lambda outcome: outcome.index)


def write_urls(folder: Path, *addresses: str) -> Path:
    file = folder / "list"
    file.write_text("\n".join(addresses))
    return file


def work_for(output: Path, *addresses: str, version: str = __version__) -> Portion:
    lines = b"".join(
        encode_entry(Target(url=Url(address), index=index))
        for index, address in enumerate(addresses)
    )
    return Portion("run", 0, 0, lines, Options(output=output), version)


def do_work(one: Portion) -> PortionResult:
    return portion_task.run_portion(one, lambda _: None, lambda: True)
