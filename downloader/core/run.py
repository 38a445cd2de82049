"""A run as its consumers see it: one list being fetched, on this machine or on a cluster."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from downloader.models import InFlight, Outcome
from downloader.web.filenames import SafePath


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes:
        total: lines of the list; None until the whole list has been read. It grows while links
            are followed.
        untried: lines read so far that have no outcome.
        other_shards: lines read so far that belong to other shards.
        received: bytes of bodies over the wire, unfinished ones included.
        running: URLs that are being fetched now.
        unreported: lines that workers have finished, whose outcomes have not been yielded yet.
        unreported_failures: how many of those failed.
        rewritten: documents whose links have been rewritten; None before that phase.
        is_incomplete: whether links were left out, because a place has too many.
        index_page: the page that lists what a mirror has saved, if one is written.
    """

    total: int | None
    untried: int
    other_shards: int
    received: int
    running: int
    unreported: int = 0
    unreported_failures: int = 0
    rewritten: int | None = None
    is_incomplete: bool = False
    index_page: SafePath | None = None


class Run(Protocol):
    """One list, from its first line to its last outcome."""

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""

    @property
    def archive_files(self) -> Sequence[Path]:
        """The finished archive files of this run; all of them once the run is over."""

    @property
    def progress(self) -> RunProgress:
        """How far the run is, as far as is known here."""

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest-running first; of very many, not all."""

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""

    def outcomes(self) -> AsyncGenerator[Outcome]:
        """Yield one outcome for each line, as they become known; call it once.

        Raises:
            RunError: a list cannot be read, or the output folder cannot be used; transfers that
                were running have been finished and yielded before.
            DiskError: the disk failed; transfers that were running have been cancelled and
                yielded before, and the rest of the list was not tried.
        """
