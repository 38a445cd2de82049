"""A run as a whole: its progress, its totals and its exit status."""

from dataclasses import dataclass, field
from enum import IntEnum

from downloader.errors import ErrorKind
from downloader.models.outcomes import Downloaded, Failed, Outcome, Skipped, Unchanged


class ExitStatus(IntEnum):
    """The exit statuses of the command."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    DISK_FAILED = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class InFlight:
    """A transfer that is running.

    Attributes:
        url: without password.
        seconds: since it began.
        received: bytes of the body so far, as received.
    """

    url: str
    seconds: float
    received: int


@dataclass(slots=True)
class Tally:
    """Counts over the outcomes of a run.

    Attributes:
        downloaded, unchanged, skipped, failed: the number of lines with that outcome.
        saved: the sum of the bodies' sizes in bytes, after the content coding was undone.
        received: that sum before the content coding was undone.
        kinds: the number of failures by kind.
    """

    downloaded: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    saved: int = 0
    received: int = 0
    kinds: dict[ErrorKind, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        match outcome:
            case Downloaded():
                self.downloaded += 1
                self.saved += outcome.sizes.saved
                self.received += outcome.sizes.wire
            case Unchanged():
                self.unchanged += 1
            case Skipped():
                self.skipped += 1
            case Failed():
                self.failed += 1
                self.kinds[outcome.kind] = self.kinds.get(outcome.kind, 0) + 1

    @property
    def total(self) -> int:
        """The number of lines with an outcome."""
        return self.downloaded + self.unchanged + self.skipped + self.failed
