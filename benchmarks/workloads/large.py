"""Large bodies: throughput, memory, and whether a limit on the rate is kept."""

from collections.abc import Iterator

from benchmarks import peers
from benchmarks.data import Contender, Entry, Finding, Section, Settings, Work
from benchmarks.measure import stage
from benchmarks.pages import binary

MIB = 1 << 20
RATE = 20  # MiB/s
PARTS = 8
GOAL_ERROR = 5.0  # percent


def one_body(settings: Settings) -> Iterator[Section]:
    """Measure one large body, beside curl and the others."""
    size = settings.scaled(1024, 128) * MIB
    with stage(settings, 1, large=size) as here:
        work = here.work([binary(here.origins[0], 0, size)])
        ours = peers.ours(work)
        entries = here.measure("large", work, [ours, *peers.peers(work, None, settings)])
        section = Section(
            name="large",
            title=f"one body of {size // MIB:,} MiB: no flags",
            pages=1,
            size=work.size,
            entries=entries,
        )
        findings: list[Finding] = []
        mine, curl = section.entry(ours.label), section.entry("curl -Z")
        if mine and curl:
            findings.append(Finding("throughput of ours / curl", curl.seconds / mine.seconds))
        if mine:
            findings.append(Finding("peak memory of ours", mine.peak_memory / 1e6, "MB"))
        yield section.concluding(findings)


def limit_rate(settings: Settings) -> Iterator[Section]:
    """Measure how near the whole run's rate is to what was asked for."""
    seconds = settings.scaled(10, 3)
    size = RATE * MIB * seconds // PARTS
    with stage(settings, 1, large=size, log=True) as here:
        work = here.work([binary(here.origins[0], number, size) for number in range(PARTS)])
        entries = here.measure("limit-rate", work, limited(work, settings))
        yield Section(
            name="limit-rate",
            title=f"{PARTS} bodies, {work.size // MIB} MiB, limited to {RATE * MIB / 1e6:.1f} MB/s",
            pages=PARTS,
            size=work.size,
            entries=entries,
            metric="rate",
            findings=tuple(errors(work, entries)),
        )


def limited(work: Work, settings: Settings) -> Iterator[Contender | Entry]:
    """Return the tools that can limit a whole run; curl and wget2 limit each transfer."""
    ours = peers.ours(work, "--limit-rate", f"{RATE}M")
    can = peers.can("--limit-rate")
    yield ours if can else Entry(ours, left_out="this version has no --limit-rate")
    flags = {"wget": f"--limit-rate={RATE}m", "aria2c": f"--max-overall-download-limit={RATE}M"}
    for name, flag in flags.items():
        if peers.installed(name) and (not settings.tools or name in settings.tools):
            peer = peers.PEERS[name](work, None)
            yield Contender(f"{peer.label} {flag}", (peer.command[0], flag, *peer.command[1:]))


def errors(work: Work, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    """Return how far the rates are from what was asked, of the whole process and of the transfers.

    The first includes the start of the program; the second begins with the first request.
    """
    asked = work.size / (RATE * MIB)
    for entry in entries:
        if not entry.sound:
            continue
        label = entry.contender.label.partition(" ")[0]
        goal = GOAL_ERROR if entry.contender.ours else None
        whole = abs(asked / entry.seconds - 1) * 100
        transfers = abs(asked / entry.transferring - 1) * 100
        yield Finding(f"error of {label}, whole process", whole, "%", goal)
        yield Finding(f"error of {label}, from the first request on", transfers, "%")
