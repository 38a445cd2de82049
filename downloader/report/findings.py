"""Findings about a run: failures, compression, duplicates, and the distribution of sizes."""

from dataclasses import dataclass, field

from downloader.errors import ErrorKind
from downloader.models.url_record import Record, Result
from downloader.report.summary import RESULTS_WITH_BODY, SizeSummary
from downloader.web.media_types import is_text

#: Advice for each kind of failure, where the message has no hint of its own.
ADVICE = {
    ErrorKind.BAD_URL: "Correct the line in the list.",
    ErrorKind.DNS: "Check the spelling of the host; if it is right, the host may be gone.",
    ErrorKind.CONNECT: "The server may be down, or may refuse this network; run it again later.",
    ErrorKind.TLS: "The site's owner has to fix its certificate; --cacert trusts a private one.",
    ErrorKind.TIMEOUT: "The server is slow; run it again, or raise --read-timeout.",
    ErrorKind.HTTP_STATUS: "404 and 410 are dead links: correct or remove them. Retry 5xx later.",
    ErrorKind.REDIRECT: "Open the URL in a browser, and list the URL where it ends.",
    ErrorKind.PROTOCOL: "The server violates HTTP; its owner has to fix that.",
    ErrorKind.TRUNCATED: "The body was cut off; run it again to resume it.",
    ErrorKind.DECODE: "The server's compression is broken or unknown; its owner has to fix that.",
    ErrorKind.CHECKSUM: "The content has changed since its hash was recorded.",
    ErrorKind.TOO_LARGE: "Raise --max-size if you want this file.",
    ErrorKind.BLOCKED: "It was refused for safety; read the message before allowing it.",
    ErrorKind.ROBOTS: "robots.txt could not be read, which disallows everything.",
    ErrorKind.DISK: "Make room or choose another --output; then run it again.",
    ErrorKind.INTERRUPTED: "Run it again to continue.",
    ErrorKind.INTERNAL: "Please report it with what --debug prints.",
}
#: Records shown for each finding; further ones are only counted.
MAX_SHOWN = 50
#: Smaller bodies fit into one packet, so that compression would save nothing.
_MIN_COMPRESSIBLE_BYTES = 1400
_HISTOGRAM_BITS = 40
_MAX_DUPLICATES_SHOWN = 10


@dataclass(slots=True)
class FindingGroup:
    """Records with the same finding, of which the first are kept.

    Attributes:
        count: the number of records.
        bytes: the sum of their sizes, decoded.
        shown: the first of them.
    """

    count: int = 0
    bytes: int = 0
    shown: list[Record] = field(default_factory=list)

    def add(self, record: Record, max_shown: int = MAX_SHOWN) -> None:
        """Add one record."""
        self.count += 1
        self.bytes += record.decoded_bytes or 0
        if len(self.shown) < max_shown:
            self.shown.append(record)


@dataclass(slots=True)
class Findings:
    """Findings about the records of a run.

    Attributes:
        failures: by kind.
        compressed: bodies that were sent compressed.
        saved_bytes: by compression.
        uncompressed: texts that were sent uncompressed and are worth compressing.
        size_histogram: the number of bodies of 0 bytes, 1 byte, 2 to 3 bytes, 4 to 7, and so on.
    """

    failures: dict[ErrorKind, FindingGroup] = field(default_factory=dict)
    compressed: FindingGroup = field(default_factory=FindingGroup)
    saved_bytes: int = 0
    uncompressed: SizeSummary = field(default_factory=lambda: SizeSummary(MAX_SHOWN))
    size_histogram: list[int] = field(default_factory=lambda: [0] * _HISTOGRAM_BITS)
    _records_by_hash: dict[str, int] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take one record."""
        if record.outcome is Result.FAILED and record.kind is not None:
            self.failures.setdefault(record.kind, FindingGroup()).add(record)
        size = record.decoded_bytes
        if size is None or record.outcome not in RESULTS_WITH_BODY or record.same_as is not None:
            return
        self.size_histogram[min(size.bit_length(), _HISTOGRAM_BITS - 1)] += 1
        if record.sha256 and size:
            known = self._records_by_hash.get(record.sha256, 0)
            self._records_by_hash[record.sha256] = known + 1
        if not record.wire_bytes:
            return
        if record.content_coding not in (None, "identity"):
            self.compressed.add(record, 0)
            self.saved_bytes += size - record.wire_bytes
        elif size >= _MIN_COMPRESSIBLE_BYTES and is_text(record.content_type or ""):
            self.uncompressed.add(record)

    def is_duplicate(self, record: Record) -> bool:
        """Return whether another record has the same content."""
        if record.same_as is not None:
            return False
        return record.sha256 is not None and self._records_by_hash.get(record.sha256, 0) > 1


class DuplicateGroups:
    """Groups of records with the same content."""

    def __init__(self) -> None:
        self._groups: dict[str, FindingGroup] = {}

    def add(self, record: Record) -> None:
        """Add a record that :meth:`Findings.is_duplicate` names."""
        group = self._groups.setdefault(record.sha256 or "", FindingGroup())
        group.add(record, _MAX_DUPLICATES_SHOWN)

    def largest_groups(self) -> list[FindingGroup]:
        """Return the groups with most repeated bytes, in descending order."""
        ordered = sorted(self._groups.values(), key=lambda group: -repeated_bytes(group))
        return ordered[:MAX_SHOWN]


def repeated_bytes(group: FindingGroup) -> int:
    """Return the bytes of all bodies of a group but one."""
    return group.bytes - group.bytes // group.count
