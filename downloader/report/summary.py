"""Sums of sizes over the records of a run: by kind of file and by host, and the largest bodies."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from downloader.models.url_record import Record, Result
from downloader.report.file_kinds import kind_of
from downloader.web.file_kinds import FileKind

#: Results of URLs that have a body, from this run or an earlier one.
RESULTS_WITH_BODY = frozenset(
    {Result.DOWNLOADED, Result.MEASURED, Result.UNCHANGED, Result.SKIPPED}
)
#: Hosts with a sum of their own; further ones are summed up under :data:`OTHER_HOSTS`.
_MAX_HOSTS = 10_000
OTHER_HOSTS = "other hosts"


@dataclass(slots=True)
class SizeSum:
    """The sum of the sizes of some bodies.

    Attributes:
        urls: the number of bodies.
        wire, decoded: bytes before and after the content coding was undone.
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
    """Sums over the records whose size is known, in bounded memory.

    Attributes:
        max_largest: how many of the largest are kept.
        total: over all.
        kinds: by kind of file.
        hosts: by host.
        repeated: records that are not counted, because they are of the same page as another, as
            ``/index.html`` of ``/``.
    """

    max_largest: int = 10
    total: SizeSum = field(default_factory=SizeSum)
    kinds: dict[FileKind, SizeSum] = field(default_factory=dict)
    hosts: dict[str, SizeSum] = field(default_factory=dict)
    repeated: int = 0
    _largest: list[tuple[int, int, Record]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Add one record, unless it has no size, as a failure."""
        if record.decoded_bytes is None or record.outcome not in RESULTS_WITH_BODY:
            return
        if record.same_as is not None:
            self.repeated += 1
            return
        self.total.add(record)
        self.kinds.setdefault(kind_of(record), SizeSum()).add(record)
        host = record.host
        if host not in self.hosts and len(self.hosts) >= _MAX_HOSTS:
            host = OTHER_HOSTS
        self.hosts.setdefault(host, SizeSum()).add(record)
        # The number makes entries unique, and the first of equal sizes the larger one.
        entry = (record.decoded_bytes, -self.total.urls, record)
        if len(self._largest) < self.max_largest:
            heapq.heappush(self._largest, entry)
        elif entry > self._largest[0]:
            heapq.heapreplace(self._largest, entry)

    @property
    def largest(self) -> list[Record]:
        """The largest, in descending order."""
        return [record for _, _, record in sorted(self._largest, reverse=True)]

    @property
    def note(self) -> str:
        """A sentence about what is not counted; empty if all is."""
        if not self.repeated:
            return ""
        pages = "1 page" if self.repeated == 1 else f"{self.repeated:,} pages"
        return f"{pages} with two addresses, such as / and /index.html, counted once"

    def by_kind(self) -> Iterator[tuple[FileKind, SizeSum]]:
        """Yield the sum of each kind that occurs, in the order in which kinds are shown."""
        return ((kind, self.kinds[kind]) for kind in FileKind if kind in self.kinds)

    def by_host(self, max_hosts: int) -> list[tuple[str, SizeSum]]:
        """Return the sums of the hosts with most bytes, and one over all others."""
        ordered = sorted(self.hosts.items(), key=lambda item: (-item[1].decoded, item[0]))
        if len(ordered) <= max_hosts:
            return ordered
        rest = SizeSum()
        for _, size in ordered[max_hosts - 1 :]:
            rest.urls += size.urls
            rest.wire += size.wire
            rest.decoded += size.decoded
        return [*ordered[: max_hosts - 1], (OTHER_HOSTS, rest)]
