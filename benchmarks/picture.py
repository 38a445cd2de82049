"""The results as one picture: a panel of bars for each section, this project in colour."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks.machine import Machine
from benchmarks.model import Entry, Section

OURS, THEIRS, STOPPED, REFERENCE = "#1f6fb2", "#b9c0c8", "#e3e6ea", "#d9c79a"
INK, FAINT = "#22272e", "#6b7480"
WIDTH, BAR, AROUND = 9.0, 0.3, 1.0  # inches
FLOOR_HEIGHT = 0.55  # relative to a bar
MB = 1_000_000
UNITS = {
    "seconds": "seconds (less is better)",
    "cpu": "µs of CPU per page (less is better)",
    "memory": "peak memory in MB (less is better)",
    "rate": "MB/s",
}


def draw(file: Path, machine: Machine, sections: Sequence[Section]) -> None:
    """Write the picture, in the format of its extension."""
    shown = [section for section in sections if any(entry.runs for entry in section.entries)]
    bars = [len(entries_with_runs(each)) + FLOOR_HEIGHT * len(each.floors) for each in shown]
    height = AROUND * len(shown) + BAR * sum(bars)
    # A fixed salt, so that the same figures result in the same file.
    mpl.rcParams.update({"svg.hashsalt": "download", "font.family": "DejaVu Sans", "font.size": 9})
    layout = ConstrainedLayoutEngine(h_pad=0.12)
    figure = Figure(figsize=(WIDTH, height + 0.3), layout=layout, facecolor="white")
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=bars)[:, 0]
    for panel, section in zip(axes, shown, strict=True):
        draw_panel(panel, section)
    figure.supxlabel(machine.named, fontsize=7.5, color=FAINT, x=0.01, ha="left")
    figure.savefig(file, dpi=160, metadata={"Date": None} if file.suffix == ".svg" else None)


def entries_with_runs(section: Section) -> list[Entry]:
    """Return the entries that have a bar."""
    return [entry for entry in section.entries if entry.runs]


def draw_panel(panel: Axes, section: Section) -> None:
    """Draw one section: the best entry at the top, entries without a figure at the bottom."""
    entries = sorted(
        entries_with_runs(section),
        key=lambda entry: (not entry.all_done, bar_length(section, entry)),
    )
    floors = [floor.seconds for floor in section.floors]
    longest = max([*floors, *(bar_length(section, entry) for entry in entries)]) or 1.0
    for place, entry in enumerate(entries):
        draw_bar(panel, place, section, entry, longest)
    draw_floors(panel, section, longest)
    panel.set_yticks(range(len(entries)), [entry.contender.label for entry in entries])
    for label, entry in zip(panel.get_yticklabels(), entries, strict=True):
        label.set_color(OURS if entry.contender.ours else INK)
        label.set_fontweight("bold" if entry.contender.ours else "normal")
    panel.set_ylim(len(entries) - 0.4, -0.6 - FLOOR_HEIGHT * len(section.floors))
    panel.set_xlim(0, longest * 1.16)
    panel.set_title(section.title, loc="left", fontsize=9.5, fontweight="bold", color=INK, pad=10)
    panel.set_xlabel(UNITS[section.metric], fontsize=7.5, color=FAINT)
    panel.tick_params(axis="x", labelsize=7.5, colors=FAINT, length=2)
    panel.tick_params(axis="y", length=0)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(STOPPED)


def draw_floors(panel: Axes, section: Section, longest: float) -> None:
    """Draw floors as vertical lines, with their labels above the bars."""
    # The largest floor is lowest, so that no line crosses the label of another one.
    floors = sorted(section.floors, key=lambda floor: floor.seconds, reverse=True)
    for row, floor in enumerate(floors):
        top = -0.6 - FLOOR_HEIGHT * row
        place = floor.seconds
        panel.plot([place, place], [top - FLOOR_HEIGHT / 2, 99], color=FAINT, dashes=(3, 2), lw=0.9)
        text = f"{floor.label}: {floor.seconds:.1f} s"
        side = "left" if place < longest / 2 else "right"
        shift = longest * (0.006 if side == "left" else -0.006)
        panel.text(
            place + shift,
            top - FLOOR_HEIGHT / 2,
            text,
            fontsize=7,
            color=FAINT,
            ha=side,
            va="center",
        )


def draw_bar(panel: Axes, place: int, section: Section, entry: Entry, longest: float) -> None:
    """Draw the median of a contender as a bar, with its range and its figure."""
    value = bar_length(section, entry)
    colour = (OURS if entry.contender.ours else THEIRS) if entry.all_done else STOPPED
    if not entry.contender.saves:
        colour = REFERENCE
    panel.barh(place, value, height=0.66, color=colour)
    end = value
    if entry.all_done and len(entry.runs) > 1:
        values = [figure_of(section, Entry(entry.contender, (run,))) for run in entry.runs]
        end = max(values)
        panel.plot([min(values), end], [place, place], color=INK, linewidth=0.9)
    stopped = entry.runs[-1].ended == "capped" and value > 0
    where, side = (value * 0.99, "right") if stopped else (end + longest * 0.008, "left")
    colour = FAINT if stopped else INK
    panel.text(where, place, bar_label(section, entry), va="center", ha=side, color=colour)


def bar_length(section: Section, entry: Entry) -> float:
    """Return the length of the bar; 0 for a contender that failed."""
    if entry.all_done:
        return figure_of(section, entry)
    capped = entry.runs[-1].ended == "capped" and section.metric == "seconds"
    return entry.runs[-1].seconds if capped else 0.0


def figure_of(section: Section, entry: Entry) -> float:
    """Return the figure of the section's metric."""
    if section.metric == "cpu":
        return entry.cpu / section.pages * 1e6
    if section.metric == "rate":
        return section.size / entry.seconds / MB
    return entry.peak_memory / MB if section.metric == "memory" else entry.seconds


def bar_label(section: Section, entry: Entry) -> str:
    """Return the text beside the bar."""
    value = bar_length(section, entry)
    if entry.runs[-1].ended == "capped":
        return f"more than {entry.runs[-1].seconds:.0f} s, stopped"
    if not entry.all_done:
        return "failed"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
