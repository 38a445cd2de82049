"""Pages that come at once: what a tool itself costs, and whether more processes help."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.data import Contender, Entry, Finding, Section, Settings, Work
from benchmarks.measure import Stage, stage
from benchmarks.pages import FIXED, REALISTIC, even

AT_ONCE = 64
GOAL = 1.4  # times the CPU of the bare loop
BARE = "bare aiohttp loop"
HOSTS = 200


def one_host(settings: Settings) -> Iterator[Section]:
    """Measure CPU per page, first at 25 kB a page and then at realistic sizes."""
    count = settings.scaled(20_000, 2000)
    with stage(settings, 1) as here:
        for kind, bodies in (("25 kB each", FIXED), ("realistic sizes", REALISTIC)):
            work = here.work(even(here.origins, count, bodies=bodies, slow=False))
            flags = ("-j", str(AT_ONCE), *peers.if_can("--per-host", AT_ONCE))
            ours = peers.ours(work, *flags)
            contenders = [ours, bare(work), *others(work, settings)]
            name = f"one-host: {kind}"
            entries = here.measure(name, work, contenders)
            section = Section(
                name=name,
                title=f"{count:,} pages of one host, no latency, {kind}, {AT_ONCE} at once: CPU",
                pages=count,
                size=work.size,
                entries=entries,
                metric="cpu",
            )
            yield with_findings(section, ours.label, start_up(here, work))


def bare(work: Work) -> Contender:
    """Return the loop that this project's cost is held against."""
    program = str(Path(peers.HERE, "bare_loop.py"))
    command = (sys.executable, program, str(work.urls), str(AT_ONCE), str(work.size))
    return Contender(BARE, command, "saves nothing", saves=False)


def others(work: Work, settings: Settings) -> Iterator[Contender | Entry]:
    """Return the peers; wget too, because its one connection needs no less CPU for a page."""
    for peer in peers.peers(work, AT_ONCE, settings):
        alone = isinstance(peer, Entry) and peer.contender.label == "wget"
        yield peers.wget(work, None) if alone and peers.installed("wget") else peer


def start_up(here: Stage, work: Work) -> float:
    """Return the CPU that the command needs before it does anything, in seconds."""
    command = (peers.our_command(), "--version")
    runs = [here.run(Contender("start", command, saves=False), work) for _ in range(3)]
    return sorted(run.cpu for run in runs)[1]


def with_findings(section: Section, label: str, start: float) -> Section:
    """Add the ratio that is a goal of this project."""
    ours, loop = section.entry(label), section.entry(BARE)
    findings = [Finding("CPU of `download --version`, in the figures above", start, "s")]
    if ours and loop:
        # Only with pages of 25 kB is it the goal's definition.
        goal = GOAL if "25 kB" in section.name else None
        findings.insert(0, Finding("CPU of ours / bare loop", ours.cpu / loop.cpu, "", goal))
    return section.concluding(findings)


def many_hosts(settings: Settings) -> Iterator[Section]:
    """Measure what a second process brings."""
    count = settings.scaled(20_000, 2000)
    with stage(settings, HOSTS) as here:
        work = here.work(even(here.origins, count, bodies=FIXED, slow=False))
        name = "many-hosts-cpu"
        flags = ("-j", str(AT_ONCE))
        one = peers.ours(work, *flags, *peers.if_can("--processes", 1))
        both = peers.ours(work, *flags, "--processes", "2")
        missing = "" if peers.can("--processes") else "this version has no --processes"
        two = Entry(both, left_out=missing)
        entries = here.measure(name, work, [one, two, *others(work, settings)])
        section = Section(
            name=name,
            title=f"{count:,} pages of 25 kB, {HOSTS} hosts, no latency, {AT_ONCE} at once",
            pages=count,
            size=work.size,
            entries=entries,
        )
        yield section.concluding([*scaling(section, entries[0], entries[1])])


def scaling(section: Section, one: Entry, two: Entry) -> Iterator[Finding]:
    """Return what the second process brought, as it was and without the server's share.

    The server uses the same cores. With one process it has a core of its own beside it and does not
    hold it up; with two, its CPU time S is taken from the time that they have on all cores, so
    that without it they would have ended about S / cores earlier. Waiting that would have been
    there anyway makes this an upper bound.
    """
    for entry in (one, two):
        if entry.sound:
            yield Finding(f"nginx CPU beside {entry.contender.label}", entry.server_cpu, "s")
    if one.sound and two.sound:
        cores = os.cpu_count() or 1
        without_server = two.seconds - two.server_cpu / cores
        yield Finding("time of 1 process / time of 2", one.seconds / two.seconds)
        yield Finding(
            f"the same, less nginx's CPU / {cores} cores in the time of 2 (an upper bound)",
            one.seconds / without_server,
        )
