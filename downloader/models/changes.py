"""The changes of a URL from one report to the next: a closed set of kinds, and of aspects."""

from dataclasses import dataclass, field
from enum import StrEnum

from downloader.web.text import format_size

#: Changes kept for each kind; further ones are only counted.
_MAX_KEPT = 200


class ChangeKind(StrEnum):
    """How a URL differs from the earlier report, in the order in which changes are shown."""

    BROKEN = "broken"
    WORKS = "works again"
    DISALLOWED = "disallowed"
    ALLOWED = "allowed again"
    GONE = "gone"
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    NOT_CHECKED = "not checked"

    @property
    def is_change(self) -> bool:
        """Whether something is known to differ."""
        return self not in (ChangeKind.SAME, ChangeKind.NOT_CHECKED)


class Aspect(StrEnum):
    """What of a URL has changed."""

    SIZE = "size"
    BYTES = "bytes"
    TYPE = "type"
    TITLE = "title"
    STATUS = "status"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlChange:
    """The change of one URL.

    Attributes:
        url: that changed.
        kind: of the change.
        aspects: what has changed, if it is of kind ``changed``.
        details: the change of each aspect but size and bytes, and the message of a failure, for a
            person.
        before, after: size of its body in bytes, if known.
    """

    url: str
    kind: ChangeKind
    aspects: tuple[Aspect, ...] = ()
    details: tuple[str, ...] = ()
    before: int | None = None
    after: int | None = None

    @property
    def label(self) -> str:
        """The kind, with its aspects in brackets."""
        return f"{self.kind} ({', '.join(self.aspects)})" if self.aspects else self.kind.value

    @property
    def sizes(self) -> str:
        """The sizes before and after, for a person; empty if neither is known."""
        if self.before is None or self.after is None:
            known = self.after if self.before is None else self.before
            return "" if known is None else format_size(known)
        if self.before == self.after:
            return format_size(self.after)
        change = self.after - self.before
        noun = "byte" if abs(change) == 1 else "bytes"
        sizes = f"{format_size(self.before)} → {format_size(self.after)}"
        return f"{sizes} ({change:+,} {noun})"


@dataclass(slots=True)
class ChangeGroup:
    """All changes of one kind, of which the first are kept.

    Attributes:
        count: the number of changes.
        aspects: the number of changes by what has changed.
        shown: the first of them.
    """

    count: int = 0
    aspects: dict[Aspect, int] = field(default_factory=dict)
    shown: list[UrlChange] = field(default_factory=list)

    def add(self, change: UrlChange) -> None:
        """Add one change."""
        self.count += 1
        for aspect in change.aspects:
            self.aspects[aspect] = self.aspects.get(aspect, 0) + 1
        if len(self.shown) < _MAX_KEPT:
            self.shown.append(change)

    @property
    def by_aspect(self) -> str:
        """The counts by aspect, for a person; empty if there are none."""
        counts = [f"{self.aspects[each]} {each}" for each in Aspect if each in self.aspects]
        return f" ({', '.join(counts)})" if counts else ""
