"""Pages of one site behind TLS, some distance away: what HTTP/2 is for."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import peers
from benchmarks.documentation import documentation
from benchmarks.measure import Runner, open_runner
from benchmarks.model import Contender, Entry, Finding, Section, Settings, UrlList
from benchmarks.nginx import DOCUMENTATION
from benchmarks.pages import FIXED, evenly_distributed, large_body
from benchmarks.relay import capacity, relayed
from benchmarks.workloads.cpu import BARE, bare

DISTANCE_MS = 80
#: Requests at once where all tools have the same number.
CONCURRENCY = 100
CPU_CONCURRENCY = 64
MIB = 1 << 20
HTTP1 = "--http1.1"
PACKAGE = "python3.11-doc"
GOAL_TIME = 1.5  # times wget2's
GOAL_CPU = 1.0  # times that of HTTP/1.1
GOAL_MIRROR = 0.2  # times that of HTTP/1.1
GOAL_LARGE = 1.25  # times that of HTTP/1.1


@dataclass(frozen=True, slots=True)
class Site:
    """One server, as it is reached directly or through the relay."""

    runner: Runner
    http1: str  # an origin
    http2: str
    distant_http1: str
    distant_http2: str


def one_site(settings: Settings) -> Iterator[Section]:
    """Measure the pages of a site, its CPU, a mirror of it, and a large body."""
    size = settings.scaled(1024, 128) * MIB
    with open_site(settings, size) as site:
        for origin, protocol in (
            (site.distant_http2, "HTTP/2"),
            (site.distant_http1, "HTTP/1.1 only"),
        ):
            for concurrency in (None, CONCURRENCY):
                section = distant_pages(site, origin, protocol, concurrency)
                if origin == site.distant_http2 and concurrency is None:
                    section = section.with_findings([*section.findings, *relay_capacity()])
                yield section
        yield cpu(site)
        yield mirror(site)
        yield large(site, size)


def relay_capacity() -> Iterator[Finding]:
    """Yield how much a relay passes, to show that it is not what is measured."""
    gigabits, writes = capacity()
    yield Finding("a relay without delay passes", gigabits, "Gbit/s")
    yield Finding("and there and back", writes, "writes of one byte per second")


@contextmanager
def open_site(settings: Settings, large: int) -> Iterator[Site]:
    """Start a server with TLS, and a relay to it."""
    with open_runner(settings, 1, large=large, tls=True) as runner:
        host = runner.origins[0].removeprefix("http://").partition(":")[0]
        ports = (runner.server.http1_port, runner.server.http2_port)
        with relayed(DISTANCE_MS, [(host, port) for port in ports]) as distant_ports:
            yield Site(runner, *(f"https://{host}:{port}" for port in (*ports, *distant_ports)))


def distant_pages(site: Site, origin: str, protocol: str, concurrency: int | None) -> Section:
    """Measure a list of pages, without flags or with the same number of requests at once."""
    runner = site.runner
    count = runner.settings.scaled(1500, 300)
    url_list = runner.write_list(evenly_distributed([origin], count, bodies=FIXED, slow=False))
    variant = "no flags" if concurrency is None else f"{concurrency} at once"
    name = f"one-site: {protocol}, {variant}"
    contenders = [*ours(url_list, protocol, concurrency), *others(url_list, concurrency, runner)]
    section = Section(
        name=name,
        title=f"{count:,} pages of 25 kB of one https site, {DISTANCE_MS} ms away, "
        f"{protocol}: {variant}",
        pages=count,
        size=url_list.size,
        entries=runner.measure(name, url_list, contenders),
    )
    return section.with_findings(compared_with_peers(section, protocol, concurrency))


def ours(url_list: UrlList, protocol: str, concurrency: int | None) -> Iterator[Contender | Entry]:
    """Yield the commands of this project; with a server of HTTP/2 also without using it."""
    number = str(concurrency)
    flags = () if concurrency is None else ("-j", number, "--per-host", number)
    yield peers.ours(url_list, *flags)
    if protocol == "HTTP/2":
        yield over_http1(peers.ours(url_list, HTTP1, *flags))


def over_http1(contender: Contender) -> Contender | Entry:
    """Leave a command out if this version has only HTTP/1.1."""
    other = replace(contender, ours=False)
    return other if peers.supports(HTTP1) else Entry(other, left_out=f"no {HTTP1} in this version")


def others(
    url_list: UrlList, concurrency: int | None, runner: Runner
) -> Iterator[Contender | Entry]:
    """Yield the peers, without wget, which would take two minutes."""
    for peer in peers.peers(url_list, concurrency, runner.settings):
        contender = peer.contender if isinstance(peer, Entry) else peer
        if contender.label == "wget":
            yield Entry(contender, left_out="one request after the other")
        else:
            yield peer


def compared_with_peers(
    section: Section, protocol: str, concurrency: int | None
) -> Iterator[Finding]:
    """Yield how the time compares with peers."""
    mine = section.entries[0]
    for label, goal in (("wget2", GOAL_TIME), ("curl -Z", 1.0)):
        peer = section.entry(label)
        if peer and mine.all_done:
            has_goal = protocol == "HTTP/2" and concurrency is None
            ratio = mine.seconds / peer.seconds
            yield Finding(f"time of ours / {label}", ratio, "", goal if has_goal else None)


def cpu(site: Site) -> Section:
    """Measure the CPU per page, without distance."""
    runner = site.runner
    count = runner.settings.scaled(10_000, 1000)
    url_list = runner.write_list(evenly_distributed([site.http2], count, bodies=FIXED, slow=False))
    number = str(CPU_CONCURRENCY)
    flags = ("-j", number, "--per-host", number)
    mine, http1 = peers.ours(url_list, *flags), over_http1(peers.ours(url_list, HTTP1, *flags))
    name = "one-site: CPU"
    section = Section(
        name=name,
        title=f"{count:,} pages of 25 kB of one https site, no latency, {number} at once",
        pages=count,
        size=url_list.size,
        entries=runner.measure(
            name,
            url_list,
            [mine, http1, bare(url_list), *others(url_list, CPU_CONCURRENCY, runner)],
        ),
        metric="cpu",
    )
    return section.with_findings(ratios(section, "CPU", GOAL_CPU, BARE))


def mirror(site: Site) -> Section:
    """Measure a mirror of real pages, some distance away."""
    runner = site.runner
    with tempfile.TemporaryDirectory() as temporary:
        # nginx serves as another user when it was started by root.
        Path(temporary).chmod(0o755)
        root = documentation(PACKAGE, runner.settings.docs or Path(temporary))
        served = runner.folder / "bodies" / DOCUMENTATION.strip("/")
        served.symlink_to(root.resolve())
        url_list = runner.write_list([])
        url_list.urls.write_text(f"{site.distant_http2}{DOCUMENTATION}index.html\n")
        entries = runner.measure("one-site: mirror", url_list, mirrors(url_list))
    files = max((run.saved for entry in entries for run in entry.runs), default=1)
    section = Section(
        name="one-site: mirror",
        title=f"a mirror of {PACKAGE}, {files:,} files, {DISTANCE_MS} ms away",
        pages=files,
        size=0,
        entries=entries,
    )
    return section.with_findings(ratios(section, "time", GOAL_MIRROR))


def mirrors(url_list: UrlList) -> Iterator[Contender | Entry]:
    """Yield the commands that follow links."""
    recursive = ("-r", "-l", "inf")
    yield replace(peers.ours(url_list, *recursive), mirrors=True)
    yield over_http1(replace(peers.ours(url_list, HTTP1, *recursive), mirrors=True))
    if peers.installed("wget2"):
        program, *rest = peers.wget2(url_list, None).command
        command = (program, *recursive, *rest)
        yield Contender("wget2 -r -l inf", command, "links are not replaced", mirrors=True)


def large(site: Site, size: int) -> Section:
    """Measure one large body, without distance."""
    runner = site.runner
    url_list = runner.write_list([large_body(site.http2, 0, size)])
    contenders = [
        peers.ours(url_list),
        over_http1(peers.ours(url_list, HTTP1)),
        *others(url_list, None, runner),
    ]
    section = Section(
        name="one-site: large",
        title=f"one body of {size // MIB:,} MiB over TLS, no latency: no flags",
        pages=1,
        size=url_list.size,
        entries=runner.measure("one-site: large", url_list, contenders),
    )
    return section.with_findings(ratios(section, "time", GOAL_LARGE))


def ratios(section: Section, kind: str, goal: float, *bases: str) -> Iterator[Finding]:
    """Yield the time or CPU over HTTP/2, relative to that over HTTP/1.1 and to *bases*."""
    mine = section.entries[0]
    for other in section.entries[1:]:
        is_http1 = HTTP1 in other.contender.label
        if mine.all_done and other.all_done and (is_http1 or other.contender.label in bases):
            ratio = mine.cpu / other.cpu if kind == "CPU" else mine.seconds / other.seconds
            text = f"{kind} of ours / {'ours over HTTP/1.1' if is_http1 else other.contender.label}"
            yield Finding(text, ratio, "", goal if is_http1 else None)
