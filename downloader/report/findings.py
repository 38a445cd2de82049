"""What a run gives reason to look at: failures, compression, duplicates, how sizes are spread."""

from dataclasses import dataclass, field

from downloader.errors import ErrorKind
from downloader.report.record import Record, Result
from downloader.report.summary import MEASURED, SizeSummary
from downloader.web.media_types import is_text

#: What can be done about each kind of failure, where its message has no better hint.
ADVICE = {
    ErrorKind.BAD_URL: "Correct the line in the list.",
    ErrorKind.DNS: "Check the spelling of the host; if it is right, the host may be gone.",
    ErrorKind.CONNECT: "The server may be down or refuse this network; run it again later.",
    ErrorKind.TLS: "The site's certificate needs mending; --cacert trusts one that is private.",
    ErrorKind.TIMEOUT: "The server is slow; run it again, or allow more with --read-timeout.",
    ErrorKind.HTTP_STATUS: "404 and 410 are dead links: mend or remove them. Run 5xx again later.",
    ErrorKind.REDIRECT: "Open the address in a browser, and put where it leads into the list.",
    ErrorKind.PROTOCOL: "The server breaks HTTP; its owner has to mend that.",
    ErrorKind.TRUNCATED: "The body broke off; run it again, which goes on where it can.",
    ErrorKind.DECODE: "The server sends broken or unknown compression; its owner has to mend that.",
    ErrorKind.CHECKSUM: "The content has changed since its hash was written down.",
    ErrorKind.TOO_LARGE: "Allow more with --max-size, if it is wanted.",
    ErrorKind.BLOCKED: "It was refused for safety; look at the message before allowing it.",
    ErrorKind.ROBOTS: "The site asks not to be fetched there.",
    ErrorKind.DISK: "Make room, or choose another --output; then run it again.",
    ErrorKind.INTERRUPTED: "Run it again, and it goes on.",
    ErrorKind.INTERNAL: "Please report it with what --debug prints.",
}
#: Of each kind of finding so many are shown, and the others counted.
MOST_SHOWN = 50
#: What is smaller fits into one packet, and to compress it saves nothing.
_WORTH_COMPRESSING = 1400
_BITS = 40
_MOST_COPIES = 10


@dataclass(slots=True)
class FindingGroup:
    """Things of one kind, of which the first few are kept.

    Attributes:
        count: how many there are.
        bytes: what they weigh together, decoded.
        shown: the first of them.
    """

    count: int = 0
    bytes: int = 0
    shown: list[Record] = field(default_factory=list)

    def add(self, record: Record, most: int = MOST_SHOWN) -> None:
        """Add one."""
        self.count += 1
        self.bytes += record.decoded_bytes or 0
        if len(self.shown) < most:
            self.shown.append(record)


@dataclass(slots=True)
class Findings:
    """Gathers findings, record by record.

    Attributes:
        failures: by kind.
        compressed: what was sent compressed.
        saved_bytes: how many bytes that kept off the wire.
        uncompressed: text that was sent as it is, and is worth compressing.
        sizes: how many bodies there are of 0 bytes, of 1, of 2 to 3, of 4 to 7, and so on.
    """

    failures: dict[ErrorKind, FindingGroup] = field(default_factory=dict)
    compressed: FindingGroup = field(default_factory=FindingGroup)
    saved_bytes: int = 0
    uncompressed: SizeSummary = field(default_factory=lambda: SizeSummary(MOST_SHOWN))
    sizes: list[int] = field(default_factory=lambda: [0] * _BITS)
    _copies: dict[str, int] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take one record."""
        if record.outcome is Result.FAILED and record.kind is not None:
            self.failures.setdefault(record.kind, FindingGroup()).add(record)
        if record.decoded_bytes is None or record.outcome not in MEASURED:
            return
        self.sizes[min(record.decoded_bytes.bit_length(), _BITS - 1)] += 1
        if record.sha256 and record.decoded_bytes:
            self._copies[record.sha256] = self._copies.get(record.sha256, 0) + 1
        if not record.wire_bytes:
            return
        if record.content_coding not in (None, "identity"):
            self.compressed.add(record, 0)
            self.saved_bytes += record.decoded_bytes - record.wire_bytes
        elif record.decoded_bytes >= _WORTH_COMPRESSING and is_text(record.content_type or ""):
            self.uncompressed.add(record)

    def has_copies(self, record: Record) -> bool:
        """Return whether another record has the same content."""
        return record.sha256 is not None and self._copies.get(record.sha256, 0) > 1


class DuplicateGroups:
    """Groups what has the same content, when all is known that there is."""

    def __init__(self) -> None:
        self._groups: dict[str, FindingGroup] = {}

    def add(self, record: Record) -> None:
        """Add one of several."""
        self._groups.setdefault(record.sha256 or "", FindingGroup()).add(record, _MOST_COPIES)

    def groups(self) -> list[FindingGroup]:
        """Return the groups that add most."""
        ordered = sorted(self._groups.values(), key=lambda group: -repeated_bytes(group))
        return ordered[:MOST_SHOWN]


def repeated_bytes(group: FindingGroup) -> int:
    """Return how many bytes all but one of a group weigh."""
    return group.bytes - group.bytes // group.count
