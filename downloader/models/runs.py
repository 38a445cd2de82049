"""A run as a whole: while it goes on, and at its end."""

from dataclasses import dataclass, field
from enum import IntEnum

from downloader.errors import ErrorKind
from downloader.models.outcomes import Downloaded, Failed, Outcome, Skipped, Unchanged


class ExitStatus(IntEnum):
    """What the command's exit status says."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    DISK_FAILED = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class InFlight:
    """One URL that is being fetched now.

    Attributes:
        url: the address without password.
        seconds: how long it has been going on.
        received: bytes of the body over the wire so far.
    """

    url: str
    seconds: float
    received: int


@dataclass(slots=True)
class Tally:
    """Counts over the outcomes of a run; the one mutable summary of it.

    Attributes:
        downloaded, unchanged, skipped, failed: lines with that outcome.
        saved: bytes of the bodies saved.
        kinds: failures by kind.
    """

    downloaded: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    saved: int = 0
    kinds: dict[ErrorKind, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        match outcome:
            case Downloaded():
                self.downloaded += 1
                self.saved += outcome.sizes.saved
            case Unchanged():
                self.unchanged += 1
            case Skipped():
                self.skipped += 1
            case Failed():
                self.failed += 1
                self.kinds[outcome.kind] = self.kinds.get(outcome.kind, 0) + 1

    @property
    def total(self) -> int:
        """Lines that have an outcome."""
        return self.downloaded + self.unchanged + self.skipped + self.failed
