"""Pages that take their time to come, as most do: how well a tool overlaps the waiting."""

from collections import Counter
from collections.abc import Iterator

from benchmarks import peers
from benchmarks.data import Contender, Entry, Floor, Section, Settings, Work
from benchmarks.measure import Stage, stage
from benchmarks.pages import even, uneven

AT_ONCE = 256
OUR_DEFAULT = 64
PER_HOST = 6


def shuffled(settings: Settings) -> Iterator[Section]:
    """Measure a list in random order over many hosts."""
    count, host_count = settings.scaled(8000, 800), settings.scaled(500, 100)
    with stage(settings, host_count) as here:
        work = here.work(even(here.origins, count))
        about = f"{count:,} pages, {host_count} hosts, shuffled"
        yield measured(here, work, "latency", about, None)
        yield measured(here, work, "latency", about, AT_ONCE)


def by_host(settings: Settings) -> Iterator[Section]:
    """Measure a list that is sorted by host, of which a few have most of the pages."""
    count, host_count = settings.scaled(8000, 800), settings.scaled(500, 100)
    with stage(settings, host_count) as here:
        work = here.work(uneven(here.origins, count))
        about = f"{count:,} pages, {host_count} uneven hosts, sorted by host"
        yield measured(here, work, "sorted", about, None)
        yield measured(here, work, "sorted", about, AT_ONCE)


def measured(here: Stage, work: Work, name: str, about: str, at_once: int | None) -> Section:
    """Measure every tool without flags, or all with the same number at once."""
    variant = "no flags" if at_once is None else f"{at_once} at once"
    contenders = [*our_variants(work, name, at_once), *peers.peers(work, at_once, here.settings)]
    entries = here.measure(f"{name}, {variant}", work, contenders)
    return Section(
        name=f"{name}: {variant}",
        title=f"{about}, median latency 80 ms: {variant}",
        pages=len(work.pages),
        size=work.size,
        entries=entries,
        floors=floors(work, at_once, polite=name == "sorted"),
    )


def our_variants(work: Work, name: str, at_once: int | None) -> Iterator[Contender | Entry]:
    """Return this project's commands."""
    if at_once is None:
        yield peers.ours(work)
        return
    yield peers.ours(work, "-j", str(at_once))
    # The peers know no limit per host, so that with one the lists of a few hosts do not compare.
    if name == "sorted" and peers.can("--per-host"):
        yield peers.ours(work, "-j", str(at_once), "--per-host", str(at_once))


def floors(work: Work, at_once: int | None, *, polite: bool) -> tuple[Floor, ...]:
    """Return how long the waiting takes at least."""
    limits = (at_once,) if at_once else (OUR_DEFAULT, AT_ONCE)
    found = [Floor(f"latency floor, {limit} at once", work.latency / limit) for limit in limits]
    if polite:
        hosts: Counter[str] = Counter()
        for page in work.pages:
            hosts[page.url.rpartition("/")[0]] += page.wait
        heaviest = max(hosts.values()) / 1000 / PER_HOST
        bound = max(heaviest, work.latency / max(limits))
        found.append(Floor(f"lower bound, {PER_HOST} at once per host", bound))
    return tuple(found)
