"""`-j auto` compared with fixed numbers, on servers for which different numbers are best."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks import peers
from benchmarks.measure import open_runner
from benchmarks.model import Contender, Entry, Finding, Page, Section, Settings, UrlList
from benchmarks.nginx import LIMITED, MAX_LIMITED_REQUESTS
from benchmarks.pages import REALISTIC, evenly_distributed, make_page

FIXED_NUMBERS = (8, 16, 32, 64, 128, 256, 512, 1024)
QUICK_NUMBERS = (8, 64, 512)
GOAL = 1.15
HOSTS = 300

Origins = Sequence[str]


def many_hosts(origins: Origins, count: int) -> list[Page]:
    """Return pages of many hosts with latency: high concurrency is best."""
    return evenly_distributed(origins[2:], count)


def fast_host(origins: Origins, count: int) -> list[Page]:
    """Return pages of a host without latency: a few requests at once keep it busy."""
    return evenly_distributed(origins[:1], count, slow=False)


def busy_host(origins: Origins, count: int) -> list[Page]:
    """Return pages of a host with latency that answers 503 to too many requests at once."""
    return [
        make_page(origins[1], number, bodies=REALISTIC, slow=True, mark=LIMITED)
        for number in range(count // 4)
    ]


def mix(origins: Origins, count: int) -> list[Page]:
    """Return pages of all three kinds in turn."""
    kinds = (many_hosts(origins, count), fast_host(origins, count), busy_host(origins, count))
    return [kinds[number % 3][number] for number in range(count) if number < len(kinds[number % 3])]


BEHAVIOURS: dict[str, Callable[[Origins, int], list[Page]]] = {
    "many hosts with latency": many_hosts,
    "one fast host": fast_host,
    f"one host that answers 503 beyond {MAX_LIMITED_REQUESTS} at once": busy_host,
    "a mix of the three": mix,
}


def auto(settings: Settings) -> Iterator[Section]:
    """Measure each behaviour of hosts."""
    count = settings.scaled(4000, 400)
    with open_runner(settings, HOSTS) as runner:
        for behaviour, pages in BEHAVIOURS.items():
            url_list = runner.write_list(pages(runner.origins, count))
            name = f"auto: {behaviour}"
            contenders = [*variants(url_list, QUICK_NUMBERS if settings.quick else FIXED_NUMBERS)]
            entries = runner.measure(name, url_list, contenders)
            yield Section(
                name=name,
                title=f"{len(url_list.pages):,} pages, {behaviour}: no limit per host",
                pages=len(url_list.pages),
                size=url_list.size,
                entries=entries,
                findings=tuple(conclusions(entries)),
            )


def variants(url_list: UrlList, numbers: Sequence[int]) -> Iterator[Entry]:
    """Yield the adaptive run and those with fixed numbers, without an effective limit per host."""
    no_host_limit = peers.option_if_supported("--per-host", max(numbers))
    for number in ("auto", *map(str, numbers)):
        command = peers.ours(url_list, "-j", number, *no_host_limit).command
        contender = Contender(f"download -j {number}", command, ours=number == "auto")
        supported = number != "auto" or peers.supports_auto_concurrency()
        yield Entry(contender, left_out="" if supported else "this version has no -j auto")


def conclusions(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield the best fixed number, and how `auto` compares with it."""
    adaptive, *fixed = entries
    successful = [entry for entry in fixed if entry.all_done]
    if not successful:
        return
    best = min(successful, key=lambda entry: entry.seconds)
    yield Finding(f"best fixed: {best.contender.label}", best.seconds, "s")
    if adaptive.all_done:
        ratio = adaptive.seconds / best.seconds
        yield Finding("auto / best fixed", ratio, "", GOAL)
