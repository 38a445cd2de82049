"""Long lists, and whether memory grows with their length."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import peers
from benchmarks.measure import open_runner
from benchmarks.model import Entry, Finding, Section, Settings
from benchmarks.pages import TINY, evenly_distributed

MB = 1_000_000
HOSTS = 100
GOAL_RATIO = 1.15
#: Of the short list, and of the one ten times as long.
GOALS_PEAK_MB = (70, 90)


def long_lists(settings: Settings) -> Iterator[Section]:
    """Measure the peak memory for a list, and for one ten times as long; this project only."""
    short = settings.scaled(20_000, 2000)
    with open_runner(replace(settings, long=float("inf")), HOSTS) as runner:
        for flags in ((), ("--no-save",)):
            peaks: list[Entry] = []
            for count, goal in zip((short, 10 * short), GOALS_PEAK_MB, strict=True):
                url_list = runner.write_list(
                    evenly_distributed(runner.origins, count, bodies=TINY, slow=False)
                )
                ours = replace(peers.ours(url_list, *flags), saves=not flags)
                name = " ".join((f"memory: {count:,} lines", *flags))
                entries = runner.measure(name, url_list, [ours])
                peaks += entries
                yield Section(
                    name=name,
                    title=f"{count:,} pages of one byte, {HOSTS} hosts",
                    pages=count,
                    size=url_list.size,
                    entries=entries,
                    metric="memory",
                    findings=tuple(conclusions(peaks, goal)),
                )


def conclusions(peaks: list[Entry], goal: int) -> Iterator[Finding]:
    """Yield the peak of the last list, and its ratio to that of the first list."""
    if not all(entry.all_done for entry in peaks):
        return
    yield Finding("peak memory", peaks[-1].peak_memory / MB, "MB", goal)
    if len(peaks) > 1:
        ratio = peaks[-1].peak_memory / peaks[0].peak_memory
        yield Finding("peak of the longer list / of the shorter", ratio, "", GOAL_RATIO)
