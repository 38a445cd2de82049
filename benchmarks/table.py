"""The results as tables: aligned text for a terminal, or Markdown."""

from collections.abc import Iterator, Sequence

from benchmarks.machine import Machine
from benchmarks.model import Entry, Section

MB = 1_000_000
HEADINGS = ("tool", "seconds", "min to max", "time / ours", "CPU/page", "peak MB", "MB/s", "saved")


def as_text(section: Section) -> str:
    """Return a section as aligned text."""
    rows = [HEADINGS, *rows_of(section)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(align(row, widths)).rstrip() for row in rows]
    return "\n".join([section.name, section.title, "", *lines, *notes(section), ""])


def as_markdown(section: Section) -> str:
    """Return a section as Markdown."""
    rule = ("---", *("---:" for _ in HEADINGS[1:]))
    rows = [HEADINGS, rule, *([code(row[0]), *row[1:]] for row in rows_of(section))]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines_below = [f"- {line}" for line in notes(section)]
    return "\n".join([f"**{section.name}**: {section.title}", "", *lines, "", *lines_below, ""])


def heading(machine: Machine) -> str:
    """Return the machine and the versions of all tools."""
    tools = {**machine.tools, "aiohttp": machine.aiohttp}
    return f"{machine.named}\n" + ", ".join(f"{name} {number}" for name, number in tools.items())


def code(label: str) -> str:
    """Return a command as Markdown."""
    return f"`{label}`"


def align(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the cells of a row, the first one aligned left and the others right."""
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if column else cell.ljust(width)


def rows_of(section: Section) -> Iterator[tuple[str, ...]]:
    """Yield the row of each contender that was run."""
    ours = next((e for e in section.entries if e.contender.ours and e.all_done), None)
    for entry in section.entries:
        if entry.runs:
            yield (entry.contender.label, *cells(section, entry, ours))


def cells(section: Section, entry: Entry, ours: Entry | None) -> tuple[str, ...]:
    """Return the figures of a contender; none if a run failed or was stopped."""
    last = entry.runs[-1]
    saved = f"{min(run.saved for run in entry.runs):,}" if entry.contender.saves else "-"
    if any(run.ended == "capped" for run in entry.runs):
        return (f"> {last.seconds:.0f}", "stopped", "-", "-", "-", "-", saved)
    if not entry.all_done:
        return ("failed", "-", "-", "-", "-", "-", saved)
    times = [run.seconds for run in entry.done_runs]
    return (
        seconds(entry.seconds),
        f"{seconds(min(times))} to {seconds(max(times))}",
        f"{entry.seconds / ours.seconds:.2f}" if ours else "-",
        duration(entry.cpu / section.pages),
        f"{entry.peak_memory / MB:.0f}",
        f"{section.size / entry.seconds / 1e6:.1f}",
        saved,
    )


def notes(section: Section) -> Iterator[str]:
    """Yield the lines below the table."""
    for floor in section.floors:
        yield f"{floor.label}: {seconds(floor.seconds)} s"
    for finding in section.findings:
        goal = "" if finding.at_most is None else f" (goal: at most {finding.at_most:g}"
        verdict = "" if not goal else f", {'met' if finding.met else 'not met'})"
        yield f"{finding.text}: {figure(finding.value)} {finding.unit}".rstrip() + goal + verdict
    for entry in section.entries:
        label = entry.contender.label
        if entry.left_out:
            yield f"{label} left out: {entry.left_out}"
        elif entry.contender.note:
            yield f"{label}: {entry.contender.note}"
        yield from failures(entry, section)


def failures(entry: Entry, section: Section) -> Iterator[str]:
    """Yield a line on the runs of a contender that failed."""
    failed = [run for run in entry.runs if run.ended == "failed"]
    if failed:
        run = failed[0]
        yield (
            f"{entry.contender.label} failed in {len(failed)} of {len(entry.runs)} rounds: "
            f"{run.saved:,} of {section.pages:,} saved, {run.wrong:,} with wrong bytes, "
            f"exit status {run.exit_status}; {run.complaint}"
        )


def figure(value: float) -> str:
    """Return a number with three significant digits, and with all digits before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def seconds(value: float) -> str:
    """Return a time in seconds, with one or two decimals."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(value: float) -> str:
    """Return the CPU time of one page, with its unit."""
    return f"{value * 1e6:.0f} µs" if value < 0.01 else f"{value:.2f} s"
