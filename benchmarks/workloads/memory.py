"""Long lists: whether memory grows with them."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import peers
from benchmarks.data import Entry, Finding, Section, Settings
from benchmarks.measure import stage
from benchmarks.pages import TINY, even

MB = 1_000_000
HOSTS = 100
GOAL_RATIO = 1.15
GOAL_PEAK = 120


def long_list(settings: Settings) -> Iterator[Section]:
    """Measure the peak of a list and of one ten times as long; only ours, for it is its promise."""
    short = settings.scaled(20_000, 2000)
    peaks: list[Entry] = []
    with stage(replace(settings, long=float("inf")), HOSTS) as here:
        for count in (short, 10 * short):
            work = here.work(even(here.origins, count, bodies=TINY, slow=False))
            ours = peers.ours(work)
            name = f"memory: {count:,} lines"
            entries = here.measure(name, work, [ours])
            peaks += entries
            yield Section(
                name=name,
                title=f"{count:,} pages of one byte, {HOSTS} hosts",
                pages=count,
                size=work.size,
                entries=entries,
                metric="memory",
                findings=tuple(conclusions(peaks)),
            )


def conclusions(peaks: list[Entry]) -> Iterator[Finding]:
    """Return what the last list, and the first beside it, show."""
    if not all(entry.sound for entry in peaks):
        return
    yield Finding("peak memory", peaks[-1].peak_memory / MB, "MB", GOAL_PEAK)
    if len(peaks) > 1:
        ratio = peaks[-1].peak_memory / peaks[0].peak_memory
        yield Finding("peak of the longer list / of the shorter", ratio, "", GOAL_RATIO)
