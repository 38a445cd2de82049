"""The journal's data: the row of a URL, and what is handed out and noted for it."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from downloader.models import Failed, PartialBody, Skipped, Target, TextFormat
from downloader.web.filenames import ExtensionRule, FileName, SafePath
from downloader.web.text_names import text_path
from downloader.web.urls import Url

#: Holds the received bytes of documents whose links were replaced.
_ORIGINALS = ".download/originals"


class RowState(IntEnum):
    """The state of a URL."""

    CLAIMED = 0
    DONE = 1
    FAILED = 2
    MOVED = 3
    #: A request that must not be made twice was sent, and its outcome is not known.
    SENT = 4


class PendingWork(IntEnum):
    """The work that a run that follows links still has to do for a URL."""

    NOTHING = 0
    FETCH = 1
    READ = 2


class TargetRole(IntEnum):
    """Why a URL is fetched: it is in the list, linked, a page requisite, or an optional one."""

    LISTED = 0
    LINKED = 1
    NEEDED = 2
    OPTIONAL = 3


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that an earlier run saved whole.

    Attributes:
        path: relative to the output folder.
        size: bytes received.
        sha256: hash of those bytes; empty if not known.
        etag, last_modified: validators as the server sent them; empty if none.
        characters: of text; None otherwise.
        published: size and SHA-256 of the file after its links were replaced, or None.
        withdrawn: whether only the received bytes are kept, among the originals.
        packed_at: offset in bytes of its record, if *path* is a volume of a pack, or None.
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
    def original_path(self) -> SafePath:
        """The path of the received bytes."""
        return original_path(self.path) if self.published or self.withdrawn else self.path


@dataclass(frozen=True, slots=True)
class SavedPage:
    """A saved page, whose text is missing.

    Attributes:
        path: its file.
        original_path: that of the received bytes.
        media_type: of the page.
        charset: as the Content-Type header has it; empty if it has none.
        url: that answered, after redirects.
        missing: formats in which there is no file of its text.
    """

    path: SafePath
    original_path: SafePath
    media_type: str
    charset: str
    url: str
    missing: tuple[TextFormat, ...]

    @property
    def content_type(self) -> str:
        """The Content-Type field, as far as it is known."""
        return f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type


@dataclass(frozen=True, slots=True)
class PartialFile:
    """The beginning of a body, which an earlier attempt left in a ``.part`` file.

    Attributes:
        path: the name of the whole file.
        body: the URL, validator and size of the body.
    """

    path: SafePath
    body: PartialBody


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that must not be made twice is about to be sent."""


@dataclass(frozen=True, slots=True)
class Job:
    """A target to fetch, with the file name that it alone has.

    Attributes:
        target: what to fetch.
        name: its file name, before the content type is known.
        row: the id of its row in the journal.
        saved: the file that an earlier run saved for it.
        revalidate: whether *saved* is kept unless the server says that it has changed.
        partial: the partial file of an earlier attempt.
        unrecorded_since: time in seconds since the epoch, from which a killed run may have packed
            it without recording that; None if none can have.
        is_name_free: whether no file can have its name yet.
        unextracted: the saved page, if only its text is missing; it is not fetched, unless
            *revalidate* says so.
        old_texts: files with the text of the page that an earlier run has saved.
    """

    target: Target
    name: FileName
    row: int
    saved: SavedFile | None = None
    revalidate: bool = False
    partial: PartialFile | None = None
    unrecorded_since: float | None = None
    is_name_free: bool = False
    unextracted: SavedPage | None = None
    old_texts: tuple[SafePath, ...] = ()


#: The result of admission: a job, or the outcome of a target that needs no request.
AdmissionResult = Job | Skipped | Failed


@dataclass(frozen=True, slots=True)
class Redirect:
    """The server redirected a URL that a page refers to; the target is fetched as its own URL.

    Attributes:
        to: the target; None if it is not fetched.
    """

    to: Url | None


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """A saved file of this run, to be read for links, rewritten or moved.

    Attributes:
        row: the id of its row in the journal.
        address: the URL that was requested.
        url: the URL that answered, after redirects.
        path: its file.
        size: bytes received.
        media_type: of the received bytes; empty if not known.
        charset: as the Content-Type header has it; empty if it has none.
        published: SHA-256 of the file after its links were replaced, or None.
        withdrawn: whether only the received bytes are kept, among the originals.
        role: why it was fetched.
        root, line, depth, nesting: as in :class:`Target`; a line of the list is its own root.
        start: the URL that answered for the root, after redirects.
        page_fields: the response fields that act like elements of the page.
        texts: the formats of the files with its text, separated by commas.
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
    page_fields: str = ""
    texts: str = ""

    @property
    def original_path(self) -> SafePath:
        """The path of the received bytes."""
        is_original = self.published is None and not self.withdrawn
        return self.path if is_original else original_path(self.path)


@dataclass(frozen=True, slots=True)
class FileLocation:
    """The file of a URL.

    Attributes:
        row: the id of its row in the journal.
        path: the file.
    """

    row: int
    path: SafePath


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """The content that the file of a URL is about to get.

    Attributes:
        row: the id of its row in the journal.
        size, sha256: of the file after its links are replaced; None if they are not.
        withdrawn: whether only the received bytes are kept, among the originals.
    """

    row: int
    size: int | None = None
    sha256: bytes | None = None
    withdrawn: bool = False


def text_formats(recorded: str | None) -> tuple[TextFormat, ...]:
    """Return the formats that a row names, separated by commas; others are ignored."""
    names = (recorded or "").split(",")
    return tuple(each for each in TextFormat if each in names)


def paths_of_texts(page: SafePath, recorded: str) -> tuple[SafePath, ...]:
    """Return the files with the text of a page, in the formats that its row names."""
    return tuple(text_path(page, each) for each in text_formats(recorded))


def key_of(identity: str) -> bytes:
    """Return the key of a request: a hash, because a URL may have any length.

    *identity* is the URL for a plain GET; see :attr:`Target.identity` for others.
    """
    return hashlib.blake2b(identity.encode(), digest_size=16).digest()


def original_path(path: SafePath) -> SafePath:
    """Return the path where the received bytes of a document are kept."""
    return SafePath(f"{_ORIGINALS}/{path}")


class JournalRow(NamedTuple):
    """The row of a URL; its attributes are columns of the table ``urls``.

    A tuple, because a second run makes one for every line, and a dataclass of so many attributes
    takes several times as long.
    """

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
    media_type: str | None
    charset: str | None
    texts: str | None

    @property
    def name(self) -> FileName:
        """The file name of the URL."""
        return FileName(self.base, ExtensionRule(self.growth))

    @property
    def file(self) -> SavedFile | None:
        """The file that was saved for it, or None."""
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
    def text_paths(self) -> tuple[SafePath, ...]:
        """The files with the text of its page."""
        if self.path is None or not self.texts:
            return ()
        paths = paths_of_texts(SafePath(self.path), self.texts)
        return tuple(map(original_path, paths)) if self.withdrawn else paths

    @property
    def partial(self) -> PartialFile | None:
        """The partial file that can be resumed, or None."""
        if self.part_path is None or not self.validator or self.part_url is None:
            return None
        return PartialFile(
            SafePath(self.part_path), PartialBody(self.part_url, self.validator, self.total)
        )
