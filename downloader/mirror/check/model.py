"""What was found."""

from collections import Counter
from dataclasses import dataclass, field

EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class DanglingLink:
    """A reference that leads nowhere.

    Attributes:
        page: the file it stands in, relative to the folder.
        line: the line there, from 1.
        reference: as the page means it; cut when it is long, without a password.
        missing: what is not there: a path relative to the folder, perhaps with a fragment; or
            EXTERNAL for what a page needs from another host.
        note: whether the file is there and only the place in it is not.
    """

    page: str
    line: int
    reference: str
    missing: str
    note: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file or folder that could not be looked into, so that nothing is known of it.

    Attributes:
        path: relative to the folder.
        reason: why, for people.
    """

    path: str
    reason: str


@dataclass(slots=True)
class CheckTotals:
    """What was looked at so far.

    Attributes:
        documents: files that were read.
        local: references to files of the folder, whether there or not.
        dangling: those that lead nowhere.
        unread: files and folders that could not be read.
        missed: references to other hosts without which a page does not show as it should.
        external: references to other hosts, by host; those that are too many under an empty name.
    """

    documents: int = 0
    local: int = 0
    dangling: int = 0
    unread: int = 0
    missed: int = 0
    external: Counter[str] = field(default_factory=Counter)

    @property
    def whole(self) -> bool:
        """Whether all that the pages need, and all that they link to locally, is there."""
        return not (self.dangling or self.unread or self.missed)
