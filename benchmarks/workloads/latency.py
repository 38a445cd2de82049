"""Pages with latency, as most have: how well a tool overlaps the waits."""

from collections import Counter
from collections.abc import Iterator

from benchmarks import peers
from benchmarks.measure import Runner, open_runner
from benchmarks.model import Contender, Entry, Floor, Section, Settings, UrlList
from benchmarks.pages import evenly_distributed, zipf_distributed

CONCURRENCY = 256
#: The concurrency of a floor, beside that of all tools.
LOW_CONCURRENCY = 64
PER_HOST = 6


def shuffled(settings: Settings) -> Iterator[Section]:
    """Measure a list in random order, over many hosts."""
    count, host_count = settings.scaled(8000, 800), settings.scaled(500, 100)
    with open_runner(settings, host_count) as runner:
        url_list = runner.write_list(evenly_distributed(runner.origins, count))
        about = f"{count:,} pages, {host_count} hosts, shuffled"
        yield measure(runner, url_list, "latency", about, None)
        yield measure(runner, url_list, "latency", about, CONCURRENCY)


def sorted_by_host(settings: Settings) -> Iterator[Section]:
    """Measure a list that is sorted by host; a few hosts have most of its pages."""
    count, host_count = settings.scaled(8000, 800), settings.scaled(500, 100)
    with open_runner(settings, host_count) as runner:
        url_list = runner.write_list(zipf_distributed(runner.origins, count))
        about = f"{count:,} pages, {host_count} uneven hosts, sorted by host"
        yield measure(runner, url_list, "sorted", about, None)
        yield measure(runner, url_list, "sorted", about, CONCURRENCY)


def measure(
    runner: Runner, url_list: UrlList, name: str, about: str, concurrency: int | None
) -> Section:
    """Measure every tool, without flags or with the same concurrency."""
    variant = "no flags" if concurrency is None else f"{concurrency} at once"
    contenders = [
        *our_variants(url_list, name, concurrency),
        *peers.peers(url_list, concurrency, runner.settings),
    ]
    entries = runner.measure(f"{name}, {variant}", url_list, contenders)
    return Section(
        name=f"{name}: {variant}",
        title=f"{about}, median latency 80 ms: {variant}",
        pages=len(url_list.pages),
        size=url_list.size,
        entries=entries,
        floors=floors(url_list, concurrency, per_host=name == "sorted"),
    )


def our_variants(
    url_list: UrlList, name: str, concurrency: int | None
) -> Iterator[Contender | Entry]:
    """Yield the commands of this project."""
    if concurrency is None:
        yield peers.ours(url_list)
        return
    yield peers.ours(url_list, "-j", str(concurrency))
    # The peers have no limit per host, which would make a list of a few hosts incomparable.
    if name == "sorted" and peers.supports("--per-host"):
        yield peers.ours(url_list, "-j", str(concurrency), "--per-host", str(concurrency))


def floors(url_list: UrlList, concurrency: int | None, *, per_host: bool) -> tuple[Floor, ...]:
    """Return the lower bounds that follow from the latencies."""
    limits = (concurrency,) if concurrency else (LOW_CONCURRENCY, CONCURRENCY)
    found = [Floor(f"latency floor, {limit} at once", url_list.latency / limit) for limit in limits]
    if per_host:
        hosts: Counter[str] = Counter()
        for page in url_list.pages:
            hosts[page.url.rpartition("/")[0]] += page.wait
        heaviest = max(hosts.values()) / 1000 / PER_HOST
        bound = max(heaviest, url_list.latency / max(limits))
        found.append(Floor(f"lower bound, {PER_HOST} at once per host", bound))
    return tuple(found)
