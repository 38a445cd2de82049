"""Finds the originals of identical payloads, within a bounded memory."""

from downloader.archive.warc_records import OriginalRecord

#: With their URLs they take about 20 MB.
_MAX_PAYLOADS = 50_000


class RecentPayloads:
    """The latest payloads by their digests; beyond the limit, the oldest is dropped."""

    def __init__(self, max_payloads: int = _MAX_PAYLOADS) -> None:
        self._max_payloads = max_payloads
        self._originals: dict[str, OriginalRecord] = {}

    def get(self, payload_digest: str) -> OriginalRecord | None:
        """Return the record with this payload, or None."""
        return self._originals.get(payload_digest)

    def add(self, payload_digest: str, original: OriginalRecord) -> None:
        """Add a record."""
        if len(self._originals) >= self._max_payloads:
            del self._originals[next(iter(self._originals))]
        self._originals[payload_digest] = original
