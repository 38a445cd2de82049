"""Pages without latency: the CPU of a tool itself, and the gain of a second process."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.measure import Runner, open_runner
from benchmarks.model import Contender, Entry, Finding, Section, Settings, UrlList
from benchmarks.pages import FIXED, REALISTIC, evenly_distributed

CONCURRENCY = 64
GOAL = 1.4  # times the CPU of the bare loop
BARE = "bare aiohttp loop"
HOSTS = 200


def one_host(settings: Settings) -> Iterator[Section]:
    """Measure the CPU per page, first with 25 kB each and then with realistic sizes."""
    count = settings.scaled(20_000, 2000)
    with open_runner(settings, 1) as runner:
        for kind, bodies in (("25 kB each", FIXED), ("realistic sizes", REALISTIC)):
            url_list = runner.write_list(
                evenly_distributed(runner.origins, count, bodies=bodies, slow=False)
            )
            flags = ("-j", str(CONCURRENCY), *peers.option_if_supported("--per-host", CONCURRENCY))
            ours = peers.ours(url_list, *flags)
            contenders = [ours, bare(url_list), *others(url_list, settings)]
            name = f"one-host: {kind}"
            entries = runner.measure(name, url_list, contenders)
            section = Section(
                name=name,
                title=f"{count:,} pages of one host, no latency, {kind}, {CONCURRENCY} at once",
                pages=count,
                size=url_list.size,
                entries=entries,
                metric="cpu",
            )
            yield with_cpu_ratio(section, ours.label, startup_cpu(runner, url_list))


def bare(url_list: UrlList) -> Contender:
    """Return the minimal loop that the goal of this project refers to."""
    program = str(Path(peers.HERE, "bare_loop.py"))
    command = (sys.executable, program, str(url_list.urls), str(CONCURRENCY), str(url_list.size))
    authority = peers.trusting("", url_list)[1:]
    return Contender(BARE, (*command, *authority), "saves nothing", saves=False)


def others(url_list: UrlList, settings: Settings) -> Iterator[Contender | Entry]:
    """Yield the peers, with wget, whose single connection does not change its CPU per page."""
    for peer in peers.peers(url_list, CONCURRENCY, settings):
        is_excluded_wget = isinstance(peer, Entry) and peer.contender.label == "wget"
        yield peers.wget(url_list, None) if is_excluded_wget and peers.installed("wget") else peer


def startup_cpu(runner: Runner, url_list: UrlList) -> float:
    """Return the CPU in seconds that the command takes to start."""
    command = (peers.our_command(), "--version")
    runs = [runner.run(Contender("start", command, saves=False), url_list) for _ in range(3)]
    return sorted(run.cpu for run in runs)[1]


def with_cpu_ratio(section: Section, label: str, start: float) -> Section:
    """Add the CPU relative to the minimal loop, which is a goal of this project."""
    ours, loop = section.entry(label), section.entry(BARE)
    findings = [Finding("CPU of `download --version`, included above", start, "s")]
    if ours and loop:
        # The goal is defined for pages of 25 kB.
        goal = GOAL if "25 kB" in section.name else None
        findings.insert(0, Finding("CPU of ours / bare loop", ours.cpu / loop.cpu, "", goal))
    return section.with_findings(findings)


def many_hosts(settings: Settings) -> Iterator[Section]:
    """Measure the gain of a second process: one that joins, and one from the start."""
    # So many that the second process, which joins after a second, is there most of the time.
    count = settings.scaled(60_000, 2000)
    with open_runner(settings, HOSTS) as runner:
        url_list = runner.write_list(
            evenly_distributed(runner.origins, count, bodies=FIXED, slow=False)
        )
        name = "many-hosts-cpu"
        flags = ("-j", str(CONCURRENCY))
        one = peers.ours(url_list, *flags, *peers.option_if_supported("--processes", 1))
        both = peers.ours(url_list, *flags, "--processes", "2")
        auto = peers.ours(url_list, *flags)
        missing = "" if peers.supports("--processes") else "this version has no --processes"
        several = [Entry(each, left_out=missing) for each in (auto, both)]
        entries = runner.measure(name, url_list, [one, *several, *others(url_list, settings)])
        section = Section(
            name=name,
            title=f"{count:,} pages of 25 kB, {HOSTS} hosts, no latency, {CONCURRENCY} at once",
            pages=count,
            size=url_list.size,
            entries=entries,
        )
        findings = [each for two in entries[1:3] for each in scaling(entries[0], two)]
        yield section.with_findings(findings)


def scaling(one: Entry, two: Entry) -> Iterator[Finding]:
    """Yield the gain of the second process, as measured and without the share of the server.

    The server uses the same cores. With one process, the server has a core of its own and does not
    slow it down. With two, the CPU time S of the server is missing on the cores, so that without it
    they would have ended about S / cores earlier. This is an upper bound, because part of that time
    may have been waiting in any case.
    """
    if two.all_done:
        yield Finding(f"CPU of nginx with {two.contender.label}", two.server_cpu, "s")
    if one.all_done and two.all_done:
        cores = os.cpu_count() or 1
        without_server = two.seconds - two.server_cpu / cores
        name = f"time of {one.contender.label} / time of {two.contender.label}"
        yield Finding(name, one.seconds / two.seconds)
        yield Finding(
            f"the same, with nginx's CPU / {cores} cores subtracted from the latter (at most)",
            one.seconds / without_server,
        )
