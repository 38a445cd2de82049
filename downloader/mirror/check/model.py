"""The findings of a check."""

from collections import Counter
from dataclasses import dataclass, field

#: The target of a requisite that was not saved, because another host has it.
EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class DanglingLink:
    """A link whose target is missing.

    Attributes:
        document: the file it stands in, relative to the folder.
        line: its line in the document, from 1.
        reference: the reference, shortened if it is long, without a password.
        missing: the missing target: a path relative to the folder, perhaps with a fragment; or
            EXTERNAL for a requisite on another host.
        is_fragment: whether the file exists and only the fragment in it is missing.
    """

    document: str
    line: int
    reference: str
    missing: str
    is_fragment: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file or folder that could not be read, so that its links are unknown.

    Attributes:
        path: relative to the folder.
        reason: why, for people.
    """

    path: str
    reason: str


@dataclass(slots=True)
class CheckTotals:
    """What was checked so far.

    Attributes:
        documents: documents that were read.
        local: links to files of the folder, missing ones included.
        dangling: links to files of the folder that are missing.
        unreadable: files and folders that could not be read.
        missing_requisites: links to requisites on other hosts.
        external: links to other hosts, by host; an empty name stands for hosts beyond the limit.
    """

    documents: int = 0
    local: int = 0
    dangling: int = 0
    unreadable: int = 0
    missing_requisites: int = 0
    external: Counter[str] = field(default_factory=Counter)

    @property
    def is_complete(self) -> bool:
        """Whether all requisites and all local targets are in the folder."""
        return not (self.dangling or self.unreadable or self.missing_requisites)
