"""What the records of a run come to: by kind of file, by host, and the largest of them."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from downloader.report.file_kinds import FileKind, kind_of
from downloader.report.record import Record, Result

#: Results with a body that is there, or has been.
MEASURED = frozenset({Result.DOWNLOADED, Result.MEASURED, Result.UNCHANGED, Result.SKIPPED})
#: Of so many hosts sums are kept; what comes after that is summed up under one name.
_MOST_HOSTS = 10_000
OTHER_HOSTS = "other hosts"


@dataclass(slots=True)
class SizeSum:
    """What some URLs weigh together.

    Attributes:
        urls: how many there are.
        wire, decoded: bytes of their bodies, as received and after that.
    """

    urls: int = 0
    wire: int = 0
    decoded: int = 0

    def add(self, record: Record) -> None:
        """Add one record."""
        self.urls += 1
        self.wire += record.wire_bytes or 0
        self.decoded += record.decoded_bytes or 0


@dataclass(slots=True)
class SizeSummary:
    """Sums over records whose size is known; memory does not grow with their number.

    Attributes:
        most: so many of the largest are kept.
        total: of all of them.
        kinds: by kind of file.
        hosts: by host.
    """

    most: int = 10
    total: SizeSum = field(default_factory=SizeSum)
    kinds: dict[FileKind, SizeSum] = field(default_factory=dict)
    hosts: dict[str, SizeSum] = field(default_factory=dict)
    _largest: list[tuple[int, int, Record]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Add one record; one that has no size, such as a failure, does not count."""
        if record.decoded_bytes is None or record.outcome not in MEASURED:
            return
        self.total.add(record)
        self.kinds.setdefault(kind_of(record), SizeSum()).add(record)
        host = record.host
        if host not in self.hosts and len(self.hosts) >= _MOST_HOSTS:
            host = OTHER_HOSTS
        self.hosts.setdefault(host, SizeSum()).add(record)
        # The number makes every entry different, and the first of equals the larger one.
        entry = (record.decoded_bytes, -self.total.urls, record)
        if len(self._largest) < self.most:
            heapq.heappush(self._largest, entry)
        elif entry > self._largest[0]:
            heapq.heapreplace(self._largest, entry)

    @property
    def largest(self) -> list[Record]:
        """The largest, the very largest first."""
        return [record for _, _, record in sorted(self._largest, reverse=True)]

    def by_kind(self) -> Iterator[tuple[FileKind, SizeSum]]:
        """Yield the kinds that there are, in the order in which they are shown."""
        return ((kind, self.kinds[kind]) for kind in FileKind if kind in self.kinds)

    def by_host(self, most: int) -> list[tuple[str, SizeSum]]:
        """Return the heaviest hosts, and the sum of all others under one name."""
        ordered = sorted(self.hosts.items(), key=lambda item: (-item[1].decoded, item[0]))
        if len(ordered) <= most:
            return ordered
        rest = SizeSum()
        for _, weight in ordered[most - 1 :]:
            rest.urls += weight.urls
            rest.wire += weight.wire
            rest.decoded += weight.decoded
        return [*ordered[: most - 1], (OTHER_HOSTS, rest)]
