"""What the journal holds of one address, and what it hands out for it."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from downloader.models import Failed, PartialBody, Skipped, Target
from downloader.web.filenames import ExtensionRule, FileName, SafePath
from downloader.web.urls import Url

#: Where the bytes of documents are kept as they were received, once their links are replaced.
_ORIGINALS = ".download/originals"


class RowState(IntEnum):
    """How far an address has come."""

    CLAIMED = 0
    DONE = 1
    FAILED = 2
    MOVED = 3


class PendingWork(IntEnum):
    """What a run that follows links has still to do for an address."""

    NOTHING = 0
    FETCH = 1
    READ = 2


class TargetRole(IntEnum):
    """Why an address is fetched."""

    LISTED = 0
    LINKED = 1
    NEEDED = 2
    OPTIONAL = 3


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that an earlier run saved whole.

    Attributes:
        path: relative to the output folder.
        size: in bytes.
        sha256: of those bytes; empty if not known.
        etag, last_modified: the validators, as sent; empty if none.
        characters: for text, how many.
        published: size and hash of the file once its links were replaced, or None.
        withdrawn: whether it is only kept with the originals.
        packed_at: where its record begins, in bytes, if the file is the volume of a pack; or None.
    """

    path: SafePath
    size: int
    sha256: bytes
    etag: str
    last_modified: str
    characters: int | None
    published: tuple[int, bytes] | None = None
    withdrawn: bool = False
    packed_at: int | None = None

    @property
    def original(self) -> SafePath:
        """Where the bytes are as they were received."""
        return original(self.path) if self.published or self.withdrawn else self.path


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The beginning of a body that an earlier attempt left in a ``.part`` file.

    Attributes:
        path: the file it is to become.
        partial: what is known of the body.
    """

    path: SafePath
    partial: PartialBody


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
        left_since: since when an earlier run may have packed it without a note of that, in seconds
            since the epoch; None if none can have.
        free: whether it is known that nothing is in the place of its file.
    """

    target: Target
    name: FileName
    row: int
    saved: SavedFile | None = None
    conditional: bool = False
    parked: PartialFile | None = None
    left_since: float | None = None
    free: bool = False


Admitted = Job | Skipped | Failed


@dataclass(frozen=True, slots=True)
class Alias:
    """What was found is elsewhere, says the server: that address is fetched by itself.

    Attributes:
        to: where; None if that address is not to be fetched.
    """

    to: Url | None


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """What is there of an address, to be read for links or to be arranged.

    Attributes:
        row: its place in the journal.
        address: what was asked for.
        url: where it was found, after redirects.
        path: its file.
        size: of what was received, in bytes.
        media_type: of what was received; empty if not known.
        charset: of it, if the server's header told it; else empty.
        published: the hash of the file, if its links were replaced.
        withdrawn: whether it is only kept with the originals.
        role: why it was fetched.
        root, line, depth, nesting: as in :class:`Target`; of a line its own address and place.
        start: where that line was found, after redirects.
    """

    row: int
    address: Url
    url: Url
    path: SafePath
    size: int
    media_type: str
    charset: str
    published: bytes | None
    withdrawn: bool
    role: TargetRole
    root: Url
    line: int
    depth: int
    nesting: int
    start: Url

    @property
    def original(self) -> SafePath:
        """Where its bytes are as they were received."""
        there = self.published is None and not self.withdrawn
        return self.path if there else original(self.path)


@dataclass(frozen=True, slots=True)
class FileLocation:
    """Where the file of an address is.

    Attributes:
        row: its place in the journal.
        path: the file.
    """

    row: int
    path: SafePath


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """What the file of an address is to be.

    Attributes:
        row: its place in the journal.
        size, sha256: of the new file, if links were replaced; None if it is as it was received.
        withdrawn: whether there is to be none, but with the originals.
    """

    row: int
    size: int | None = None
    sha256: bytes | None = None
    withdrawn: bool = False


def key_of(shown: str) -> bytes:
    """Return an address's key: a hash, because an address may be as long as it likes."""
    return hashlib.blake2b(shown.encode(), digest_size=16).digest()


def original(path: SafePath) -> SafePath:
    """Return where the bytes of a document are kept as they were received."""
    return SafePath(f"{_ORIGINALS}/{path}")


@dataclass(frozen=True, slots=True)
class JournalRow:
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
    published: int | None
    published_sha256: bytes | None
    withdrawn: int
    role: int
    todo: int
    depth: int
    nesting: int
    final_url: str | None
    packed_at: int | None

    @property
    def name(self) -> FileName:
        """The name that the address has."""
        return FileName(self.base, ExtensionRule(self.growth))

    @property
    def file(self) -> SavedFile | None:
        """What was saved for it, if it is done."""
        if self.state != RowState.DONE or self.path is None or self.saved is None:
            return None
        return SavedFile(
            SafePath(self.path),
            self.saved,
            self.sha256 or b"",
            self.etag or "",
            self.last_modified or "",
            self.characters,
            None if self.published is None else (self.published, self.published_sha256 or b""),
            bool(self.withdrawn),
            self.packed_at,
        )

    @property
    def parked(self) -> PartialFile | None:
        """What was begun of it, if that can be continued."""
        if self.part_path is None or not self.validator or self.part_url is None:
            return None
        return PartialFile(
            SafePath(self.part_path), PartialBody(self.part_url, self.validator, self.total)
        )
