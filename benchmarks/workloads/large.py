"""Large bodies: throughput, memory, and the accuracy of a rate limit."""

from collections.abc import Iterator

from benchmarks import peers
from benchmarks.measure import open_runner
from benchmarks.model import (
    Contender,
    Entry,
    Finding,
    Section,
    Settings,
    UrlList,
    paired_ratio,
)
from benchmarks.pages import large_body

MIB = 1 << 20
RATE = 20  # MiB/s
PARTS = 8
GOAL_ERROR = 5.0  # percent
GOAL_TIME = 1.3  # times curl's
MANY = 64
GOAL_PEAK_MB = 150  # for that many at once


def large_bodies(settings: Settings) -> Iterator[Section]:
    """Measure one large body, and then many at once."""
    yield one_body(settings)
    yield many_bodies(settings)


def one_body(settings: Settings) -> Section:
    """Measure the download of one large body."""
    size = settings.scaled(1024, 128) * MIB
    with open_runner(settings, 1, large=size) as runner:
        url_list = runner.write_list([large_body(runner.origins[0], 0, size)])
        ours = peers.ours(url_list)
        entries = runner.measure("large", url_list, [ours, *peers.peers(url_list, None, settings)])
    section = Section(
        name="large",
        title=f"one body of {size // MIB:,} MiB: no flags",
        pages=1,
        size=url_list.size,
        entries=entries,
    )
    mine, curl = section.entry(ours.label), section.entry("curl -Z")
    findings: list[Finding] = []
    if mine and curl:
        seconds = paired_ratio(mine, curl, lambda run: run.seconds)
        cpu = paired_ratio(mine, curl, lambda run: run.cpu)
        findings.append(
            Finding("time of ours / curl, median of the rounds", seconds, "", GOAL_TIME)
        )
        findings.append(Finding("CPU of ours, with SHA-256 / curl, which has none", cpu))
    if mine:
        findings.append(Finding("peak memory of ours", mine.peak_memory / 1e6, "MB"))
    return section.with_findings(findings)


def many_bodies(settings: Settings) -> Section:
    """Measure the peak memory of many large bodies at once; this project only."""
    size = settings.scaled(32, 8) * MIB
    with open_runner(settings, 1, large=size) as runner:
        url_list = runner.write_list(
            [large_body(runner.origins[0], number, size) for number in range(MANY)]
        )
        ours = peers.ours(url_list, "-j", str(MANY), "--per-host", str(MANY))
        name = f"large: {MANY} at once"
        entries = runner.measure(name, url_list, [ours])
    section = Section(
        name=name,
        title=f"{MANY} bodies of {size // MIB} MiB, all at once",
        pages=MANY,
        size=url_list.size,
        entries=entries,
        metric="memory",
    )
    mine = section.entry(ours.label)
    if mine is None:
        return section
    peak = Finding("peak memory", mine.peak_memory / 1e6, "MB", GOAL_PEAK_MB)
    return section.with_findings([peak])


def limit_rate(settings: Settings) -> Iterator[Section]:
    """Measure how close the rate of a whole run is to its limit."""
    seconds = settings.scaled(10, 3)
    size = RATE * MIB * seconds // PARTS
    with open_runner(settings, 1, large=size, log=True) as runner:
        url_list = runner.write_list(
            [large_body(runner.origins[0], number, size) for number in range(PARTS)]
        )
        entries = runner.measure("limit-rate", url_list, limited(url_list, settings))
        yield Section(
            name="limit-rate",
            title=f"{PARTS} bodies, {url_list.size // MIB} MiB, limited to {RATE} MiB/s",
            pages=PARTS,
            size=url_list.size,
            entries=entries,
            metric="rate",
            findings=tuple(errors(url_list, entries)),
        )


def limited(url_list: UrlList, settings: Settings) -> Iterator[Contender | Entry]:
    """Yield the tools that can limit the rate of a run; curl and wget2 limit each transfer."""
    ours = peers.ours(url_list, "--limit-rate", f"{RATE}M")
    supported = peers.supports("--limit-rate")
    yield ours if supported else Entry(ours, left_out="this version has no --limit-rate")
    flags = {"wget": f"--limit-rate={RATE}m", "aria2c": f"--max-overall-download-limit={RATE}M"}
    for name, flag in flags.items():
        if peers.installed(name) and (not settings.tools or name in settings.tools):
            peer = peers.PEERS[name](url_list, None)
            yield Contender(f"{peer.label} {flag}", (peer.command[0], flag, *peer.command[1:]))


def errors(url_list: UrlList, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """Yield by how much the rates differ from the limit, in percent.

    The rate of the whole process includes its start; the other one begins with the first request.
    """
    expected_seconds = url_list.size / (RATE * MIB)
    for entry in entries:
        if not entry.all_done:
            continue
        label = entry.contender.label.partition(" ")[0]
        goal = GOAL_ERROR if entry.contender.ours else None
        whole = abs(expected_seconds / entry.seconds - 1) * 100
        transfers = abs(expected_seconds / entry.transferring - 1) * 100
        yield Finding(f"error of {label}, whole process", whole, "%", goal)
        yield Finding(f"error of {label}, from the first request on", transfers, "%")
