"""The findings of a check."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class MissingReason(StrEnum):
    """Why a target is missing; the values are for people."""

    NO_FILE = "missing"
    OUTSIDE = "outside the folder"
    #: A requisite that was not saved, because another host has it.
    EXTERNAL = "external"
    #: A requisite that its host refused to send when the folder was mirrored.
    NOT_SAVED = "not saved"
    #: The file exists, and only the fragment in it is missing.
    NO_FRAGMENT = "no such fragment"


@dataclass(frozen=True, slots=True)
class MissingTarget:
    """A target that links lead to, and that is not in the folder.

    Attributes:
        target: a path relative to the folder, perhaps with a fragment; a URL; or for a target
            outside the folder the reference. Shortened if it is long, without a password.
        reason: why it is missing.
        status: the HTTP status that it was answered with, if it was not saved.
        documents: how many documents name it.
        places: the first of these, as ``DOCUMENT:LINE``.
    """

    target: str
    reason: MissingReason
    status: int | None
    documents: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file or folder that could not be read, so that its links are unknown.

    Attributes:
        path: relative to the folder.
        reason: why, for people.
        is_partly_read: whether the file was read in part, so that some of its links are known.
    """

    path: str
    reason: str
    is_partly_read: bool = False


@dataclass(slots=True)
class CheckTotals:
    """Counts of what was checked so far.

    Attributes:
        documents: documents that were read.
        local: links to files of the folder, missing ones included.
        dangling: links to files of the folder that are missing.
        unreadable: files and folders that could not be read.
        external_requisites: links to requisites on other hosts.
        not_saved: links to requisites that their host refused to send.
        external: links to other hosts, by host; an empty name stands for hosts beyond the limit.
        unlisted: missing targets beyond the limit, which are counted and not listed.
    """

    documents: int = 0
    local: int = 0
    dangling: int = 0
    unreadable: int = 0
    external_requisites: int = 0
    not_saved: int = 0
    external: Counter[str] = field(default_factory=Counter)
    unlisted: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether all requisites and all local targets are in the folder."""
        return not (self.dangling or self.unreadable or self.external_requisites or self.not_saved)
