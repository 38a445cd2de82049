"""Which payloads are in the archive already, as far as memory is given to know it."""

from downloader.archive.warc_records import OriginalRecord

#: So many payloads are remembered, with their addresses some twenty megabytes at most.
_MOST = 50_000


class RecentPayloads:
    """Remembers the latest payloads by their digests; the oldest are forgotten."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: dict[str, OriginalRecord] = {}

    def get(self, digest: str) -> OriginalRecord | None:
        """Return the record whose payload has this digest, if that is remembered."""
        return self._known.get(digest)

    def add(self, digest: str, original: OriginalRecord) -> None:
        """Remember a record."""
        if len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[digest] = original
