"""The results of all runs, as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.model import Entry, Section, Settings


def write_json(
    file: Path, machine: Machine, settings: Settings, sections: Sequence[Section]
) -> None:
    """Write the machine, every single run, and the figures calculated from them."""
    document = {
        "machine": asdict(machine),
        "settings": {**asdict(settings), "ram": str(settings.ram), "docs": str(settings.docs)},
        "sections": [as_data(each) for each in sections],
    }
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def as_data(section: Section) -> dict[str, object]:
    """Return a section with the medians of its entries."""
    findings = [{**asdict(finding), "met": finding.met} for finding in section.findings]
    entries = [{**asdict(entry), "medians": medians(entry)} for entry in section.entries]
    return {**asdict(section), "entries": entries, "findings": findings}


def medians(entry: Entry) -> dict[str, float] | None:
    """Return the medians of an entry; None unless all of its runs succeeded."""
    if not entry.all_done:
        return None
    return {
        "seconds": entry.seconds,
        "cpu": entry.cpu,
        "peak_memory": entry.peak_memory,
        "server_cpu": entry.server_cpu,
    }
