"""The CPU per page that a web archive of the run costs."""

from collections.abc import Iterator

from benchmarks import peers
from benchmarks.measure import open_runner
from benchmarks.model import OUTPUT, Contender, Entry, Finding, Section, Settings, UrlList
from benchmarks.pages import MEDIAN_BYTES, evenly_distributed, html_page

CONCURRENCY = 64
GOAL = 1.25  # times the CPU of the same run without an archive
#: In a hidden folder, which is not compared with what was served.
ARCHIVE = f"{OUTPUT}/.archive/a"


def with_and_without(settings: Settings) -> Iterator[Section]:
    """Measure CPU per page of 25 kB without an archive and with one.

    No two pages are the same, because an archive keeps one copy of identical payloads.
    """
    count = settings.scaled(6000, 600)
    with open_runner(settings, 1) as runner:
        for number in range(count):
            name = f"u{number}.html"
            runner.sizes[name] = MEDIAN_BYTES
            (runner.folder / "bodies" / name).write_bytes(html_page(name, MEDIAN_BYTES))
        bodies = [f"u{number}.html" for number in range(count)]
        url_list = runner.write_list(
            evenly_distributed(runner.origins, count, bodies=bodies, slow=False)
        )
        without = peers.ours(url_list, "-j", str(CONCURRENCY), "--per-host", str(CONCURRENCY))
        entries = runner.measure("archive", url_list, contenders(url_list, without))
        section = Section(
            name="archive",
            title=f"{count:,} different pages of 25 kB, {CONCURRENCY} at once: CPU with an archive",
            pages=count,
            size=url_list.size,
            entries=entries,
            metric="cpu",
        )
        yield section.with_findings(ratios(section, without.label))


def contenders(url_list: UrlList, without: Contender) -> Iterator[Contender | Entry]:
    """Yield the command without and with archives, and wget with an archive."""
    yield without
    flags = ("-j", str(CONCURRENCY), "--per-host", str(CONCURRENCY))
    for option, ending in (("--warc", ".warc.gz"), ("--warc", ".warc"), ("--wacz", ".wacz")):
        named = peers.ours(url_list, *flags, option, f"{ARCHIVE}{ending}")
        contender = Contender(f"download {option} FILE{ending}", named.command, ours=True)
        supported = peers.supports(option)
        yield contender if supported else Entry(contender, left_out=f"this version has no {option}")
    packing = peers.ours(url_list, *flags, "--pack", "warc").command
    contender = Contender("download --pack warc", packing, ours=True, saves=False)
    supported = peers.supports("--pack")
    yield contender if supported else Entry(contender, left_out="this version has no --pack")
    if peers.installed("wget"):
        plain = peers.wget(url_list, None)
        program, *rest = plain.command
        command = (program, f"--warc-file={OUTPUT}/.archive-of-wget", *rest)
        yield Contender("wget --warc-file", command, plain.note)


def ratios(section: Section, without: str) -> Iterator[Finding]:
    """Yield the CPU with an archive, relative to the CPU without."""
    base = section.entry(without)
    for entry in section.entries:
        if base and base.all_done and entry.all_done and entry.contender.ours and entry is not base:
            goal = GOAL if "--warc" in entry.contender.label else None
            label = entry.contender.label.removeprefix("download ")
            yield Finding(f"CPU with {label} / without", entry.cpu / base.cpu, "", goal)
