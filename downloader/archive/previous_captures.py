"""The captures of earlier runs: a revisit record of a 304 response refers to one of them."""

from downloader.archive import cdxj
from downloader.archive.file_series import FileSeries, index_path
from downloader.archive.warc_records import OriginalRecord


class PreviousCaptures:
    """Looks URLs up in the indexes of the WARC files that were complete when it was made."""

    def __init__(self, series: FileSeries) -> None:
        self._files = series.complete_files()

    def find(self, url: str) -> OriginalRecord | None:
        """Return the latest capture of *url* with a complete payload of its own, or None."""
        originals = [
            OriginalRecord(url, capture.date, payload_digest=capture.digest)
            for path in self._files
            for capture in cdxj.find_captures(index_path(path), url)
            if capture.status == "200" and capture.mime != cdxj.REVISIT_MIME
        ]
        return max(originals, key=lambda original: original.date, default=None)
