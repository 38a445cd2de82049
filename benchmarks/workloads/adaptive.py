"""`-j auto` beside every fixed number, on servers that each want another one."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks import peers
from benchmarks.data import Contender, Entry, Finding, Page, Section, Settings, Work
from benchmarks.measure import stage
from benchmarks.pages import REALISTIC, even, page
from benchmarks.servers import BUSY_AT, LIMITED

FIXED_NUMBERS = (8, 16, 32, 64, 128, 256, 512, 1024)
QUICK_NUMBERS = (8, 64, 512)
GOAL = 1.15
HOSTS = 300

Origins = Sequence[str]


def many_hosts(origins: Origins, count: int) -> list[Page]:
    """Return pages of many hosts with latency: the more at once, the better."""
    return even(origins[2:], count)


def fast_host(origins: Origins, count: int) -> list[Page]:
    """Return pages of a host without latency: a few at once keep it busy."""
    return even(origins[:1], count, slow=False)


def busy_host(origins: Origins, count: int) -> list[Page]:
    """Return pages of a host with latency that refuses more than a few at once."""
    return [
        page(origins[1], number, bodies=REALISTIC, slow=True, mark=LIMITED)
        for number in range(count // 4)
    ]


def mix(origins: Origins, count: int) -> list[Page]:
    """Return some of each, with numbers of their own, in turn."""
    kinds = (many_hosts(origins, count), fast_host(origins, count), busy_host(origins, count))
    return [kinds[place % 3][place] for place in range(count) if place < len(kinds[place % 3])]


BEHAVIOURS: dict[str, Callable[[Origins, int], list[Page]]] = {
    "many hosts with latency": many_hosts,
    "one fast host": fast_host,
    f"one host that answers 503 beyond {BUSY_AT} at once": busy_host,
    "a mix of the three": mix,
}


def auto(settings: Settings) -> Iterator[Section]:
    """Measure each behaviour."""
    count = settings.scaled(4000, 400)
    with stage(settings, HOSTS) as here:
        for behaviour, pages in BEHAVIOURS.items():
            work = here.work(pages(here.origins, count))
            name = f"auto: {behaviour}"
            contenders = [*variants(work, QUICK_NUMBERS if settings.quick else FIXED_NUMBERS)]
            entries = here.measure(name, work, contenders)
            yield Section(
                name=name,
                title=f"{len(work.pages):,} pages, {behaviour}: no limit per host",
                pages=len(work.pages),
                size=work.size,
                entries=entries,
                findings=tuple(conclusions(entries)),
            )


def variants(work: Work, numbers: Sequence[int]) -> Iterator[Entry]:
    """Return the adaptive run and the fixed ones; a limit per host would hide what `-j` does."""
    open_hosts = peers.if_can("--per-host", max(numbers))
    for number in ("auto", *map(str, numbers)):
        command = peers.ours(work, "-j", number, *open_hosts).command
        contender = Contender(f"download -j {number}", command, ours=number == "auto")
        able = number != "auto" or peers.can_adapt()
        yield Entry(contender, left_out="" if able else "this version has no -j auto")


def conclusions(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Return the best fixed number and how `auto` compares with it."""
    adaptive, *fixed = entries
    sound = [entry for entry in fixed if entry.sound]
    if not sound:
        return
    best = min(sound, key=lambda entry: entry.seconds)
    yield Finding(f"best fixed: {best.contender.label}", best.seconds, "s")
    if adaptive.sound:
        ratio = adaptive.seconds / best.seconds
        yield Finding("auto / best fixed", ratio, "", GOAL)
