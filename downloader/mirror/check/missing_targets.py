"""Collects missing targets, each with the documents that name it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from downloader.mirror.check.model import MissingReason, MissingTarget

#: Targets that are listed; of any further ones, only the links are counted.
MAX_TARGETS = 100_000
#: Documents that are named for each target.
_MAX_PLACES = 3


@dataclass(slots=True)
class _Mentions:
    """The documents that name a target: their number, the last and the first of them."""

    documents: int = 0
    last: str = ""
    places: list[str] = field(default_factory=list)

    def add(self, document: str, line: int) -> None:
        if document == self.last:
            return
        self.last = document
        self.documents += 1
        if len(self.places) < _MAX_PLACES:
            self.places.append(f"{document}:{line}")


class MissingTargets:
    """Missing targets, in the order in which they were found.

    Attributes:
        unlisted: links to targets beyond MAX_TARGETS.
    """

    def __init__(self) -> None:
        self.unlisted = 0
        self._mentions: dict[tuple[str, MissingReason, int | None], _Mentions] = {}

    def add(
        self,
        target: str,
        reason: MissingReason,
        document: str,
        line: int,
        status: int | None = None,
    ) -> None:
        """Add a link from a line of *document*; the links of one document follow each other."""
        key = (target, reason, status)
        mentions = self._mentions.get(key)
        if mentions is None:
            if len(self._mentions) >= MAX_TARGETS:
                self.unlisted += 1
                return
            mentions = self._mentions[key] = _Mentions()
        mentions.add(document, line)

    def __iter__(self) -> Iterator[MissingTarget]:
        """Yield the targets."""
        for (target, reason, status), mentions in self._mentions.items():
            yield MissingTarget(target, reason, status, mentions.documents, tuple(mentions.places))
