"""What it costs to keep a web archive of the same run: CPU for each page."""

from collections.abc import Iterator

from benchmarks import peers
from benchmarks.data import OUTPUT, Contender, Entry, Finding, Section, Settings, Work
from benchmarks.measure import stage
from benchmarks.pages import MEDIAN_SIZE, even, text

AT_ONCE = 64
GOAL = 1.25  # times the CPU of the same run without an archive
#: In a folder that is not compared with what was served.
ARCHIVE = f"{OUTPUT}/.archive/a"


def kept(settings: Settings) -> Iterator[Section]:
    """Measure CPU per page of 25 kB without an archive and with one.

    No two pages are the same: of a payload that is there already, an archive keeps no second copy.
    """
    count = settings.scaled(6000, 600)
    with stage(settings, 1) as here:
        for number in range(count):
            name = f"u{number}.html"
            here.sizes[name] = MEDIAN_SIZE
            (here.folder / "bodies" / name).write_bytes(text(name, MEDIAN_SIZE))
        bodies = [f"u{number}.html" for number in range(count)]
        work = here.work(even(here.origins, count, bodies=bodies, slow=False))
        without = peers.ours(work, "-j", str(AT_ONCE), "--per-host", str(AT_ONCE))
        entries = here.measure("archive", work, contenders(work, without))
        section = Section(
            name="archive",
            title=f"{count:,} different pages of 25 kB, {AT_ONCE} at once: CPU with an archive",
            pages=count,
            size=work.size,
            entries=entries,
            metric="cpu",
        )
        yield section.concluding(ratios(section, without.label))


def contenders(work: Work, without: Contender) -> Iterator[Contender | Entry]:
    """Return this project's command without and with archives, and wget, which keeps them too."""
    yield without
    flags = ("-j", str(AT_ONCE), "--per-host", str(AT_ONCE))
    for option, ending in (("--warc", ".warc.gz"), ("--warc", ".warc"), ("--wacz", ".wacz")):
        named = peers.ours(work, *flags, option, f"{ARCHIVE}{ending}")
        contender = Contender(f"download {option} FILE{ending}", named.command, ours=True)
        can = peers.can(option)
        yield contender if can else Entry(contender, left_out=f"this version has no {option}")
    packing = peers.ours(work, *flags, "--pack", "warc").command
    contender = Contender("download --pack warc", packing, ours=True, saves=False)
    can = peers.can("--pack")
    yield contender if can else Entry(contender, left_out="this version has no --pack")
    if peers.installed("wget"):
        plain = peers.wget(work, None)
        program, *rest = plain.command
        command = (program, f"--warc-file={OUTPUT}/.archive-of-wget", *rest)
        yield Contender("wget --warc-file", command, plain.note)


def ratios(section: Section, without: str) -> Iterator[Finding]:
    """Return the CPU with an archive by the CPU without."""
    base = section.entry(without)
    for entry in section.entries:
        if base and base.sound and entry.sound and entry.contender.ours and entry is not base:
            goal = GOAL if "--warc" in entry.contender.label else None
            label = entry.contender.label.removeprefix("download ")
            yield Finding(f"CPU with {label} / without", entry.cpu / base.cpu, "", goal)
