"""What the journal holds of one address, and what it hands out for it."""

from dataclasses import dataclass
from enum import IntEnum

from downloader.models import Failed, Skipped, Target
from downloader.paths import Growth, Name, SafePath
from downloader.resume import Partial


class State(IntEnum):
    """How far an address has come."""

    CLAIMED = 0
    DONE = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that an earlier run saved whole.

    Attributes:
        path: relative to the output folder.
        size: in bytes.
        sha256: of those bytes; empty if not known.
        etag, last_modified: the validators, as sent; empty if none.
        characters: for text, how many.
    """

    path: SafePath
    size: int
    sha256: bytes
    etag: str
    last_modified: str
    characters: int | None


@dataclass(frozen=True, slots=True)
class Parked:
    """The beginning of a body that an earlier attempt left in a ``.part`` file.

    Attributes:
        path: the file it is to become.
        partial: what is known of the body.
    """

    path: SafePath
    partial: Partial


@dataclass(frozen=True, slots=True)
class Job:
    """A target that is to be fetched, and the name that it alone has.

    Attributes:
        target: what to fetch.
        name: the name of its file, before the content type is known.
        row: its place in the journal.
        saved: what an earlier run saved for it.
        conditional: whether that is to be kept unless it has changed.
        parked: what an earlier run began.
    """

    target: Target
    name: Name
    row: int
    saved: Saved | None = None
    conditional: bool = False
    parked: Parked | None = None


Admitted = Job | Skipped | Failed


@dataclass(frozen=True, slots=True)
class Row:
    """What the journal knows of an address."""

    id: int
    run: int
    origin: str
    base: str
    growth: str
    state: int
    admitted: float
    path: str | None
    saved: int | None
    characters: int | None
    sha256: bytes | None
    etag: str | None
    last_modified: str | None
    part_path: str | None
    validator: str | None
    part_url: str | None
    total: int | None

    @property
    def name(self) -> Name:
        """The name that the address has."""
        return Name(self.base, Growth(self.growth))

    @property
    def file(self) -> Saved | None:
        """What was saved for it, if it is done."""
        if self.state != State.DONE or self.path is None or self.saved is None:
            return None
        return Saved(
            SafePath(self.path),
            self.saved,
            self.sha256 or b"",
            self.etag or "",
            self.last_modified or "",
            self.characters,
        )

    @property
    def parked(self) -> Parked | None:
        """What was begun of it, if that can be continued."""
        if self.part_path is None or not self.validator or self.part_url is None:
            return None
        return Parked(SafePath(self.part_path), Partial(self.part_url, self.validator, self.total))
