"""What a portion of a shard takes to be done, what it gives, and how far it is meanwhile."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from downloader.core.processes.ipc import Ended, FrameDecoder, encode
from downloader.errors import DownloadError, ErrorKind
from downloader.models import Checksum, Failed, InFlight, Options, Outcome, Skipped, Target
from downloader.models.shards import DEFAULT_CLUSTER_SHARDS
from downloader.sources import Entry
from downloader.web.filenames import SafePath
from downloader.web.urls import Url


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """How a list is shared.

    Attributes:
        address: of the scheduler, such as ``tcp://host:8786``; None to start one here.
        shards: how many parts the list is cut into. It stays the same for an output folder.
        workers: how many processes are started, where they are started here.
    """

    address: str | None = None
    shards: int = DEFAULT_CLUSTER_SHARDS
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Portion:
    """So much of a shard as is done at once: bounded, however many lines a host has.

    Its text has no secrets, because Dask logs what a worker was asked to do where that fails.

    Attributes:
        run: which campaign it belongs to.
        shard: which shard, from 0 on.
        first: place of the portion's first line among those of the shard.
        lines: its targets, one JSON line each.
        options: how it is made; its output is the shard's folder, or its prefix of a store.
        version: of this program, which has to be the same everywhere.
    """

    run: str
    shard: int
    first: int
    lines: bytes = field(repr=False)
    options: Options = field(repr=False)
    version: str

    @property
    def count(self) -> int:
        """How many lines it has."""
        return self.lines.count(b"\n")


@dataclass(frozen=True, slots=True)
class PortionResult:
    """What became of a portion.

    Attributes:
        frames: the outcomes, as :func:`outcomes` reads them.
        untried: how many lines have none, because the run was stopped.
        warnings: lines for a person.
        error: why the run cannot go on, or None.
    """

    frames: bytes = b""
    untried: int = 0
    warnings: Sequence[str] = ()
    error: DownloadError | None = None


@dataclass(frozen=True, slots=True)
class PortionProgress:
    """How far a portion is.

    Attributes:
        shard: which shard.
        done: lines with an outcome.
        failed: those of them that have failed.
        received: bytes of bodies over the wire.
        running: how many URLs are being fetched.
        rows: those of them that take longest.
    """

    shard: int
    done: int = 0
    failed: int = 0
    received: int = 0
    running: int = 0
    rows: Sequence[InFlight] = ()


def packed(ended: Iterable[Outcome]) -> bytes:
    """Return outcomes as bytes, in the way that processes of one machine tell each other."""
    return encode(Ended([(outcome.index, outcome) for outcome in ended]))


def outcomes(frames: bytes, folder: str) -> Iterator[Outcome]:
    """Yield the outcomes that :func:`packed` made bytes of, with files named as in *folder*."""
    for frame in FrameDecoder().feed(frames):
        if isinstance(frame, Ended):
            for _, outcome in frame.outcomes:
                if isinstance(outcome, Outcome):
                    yield _placed(outcome, folder)


def _placed(outcome: Outcome, folder: str) -> Outcome:
    """Return an outcome, just made and nobody's yet, with its file named as in *folder*."""
    if isinstance(outcome, Failed) or not outcome.path:
        return outcome
    path = SafePath(f"{folder}/{outcome.path}")
    if isinstance(outcome, Skipped):
        detail = outcome.detail.replace(outcome.path, path)
        return replace(outcome, path=path, detail=detail)
    # Done for every line by the one process that tells of all: a copy of each would hold it up.
    object.__setattr__(outcome, "path", path)
    return outcome


def line_of(entry: Entry) -> bytes:
    """Return what is known of a line of a list, as one line of JSON."""
    if isinstance(entry, Failed):
        row = [entry.index, entry.origin, entry.url, entry.kind, entry.message, entry.hint]
    else:
        checksum = entry.checksum and [entry.checksum.algorithm, entry.checksum.digest]
        row = [entry.index, entry.origin, entry.url, entry.name, checksum, entry.headers]
    # Only ASCII: what a list says may hold lone surrogates, which no other encoding keeps.
    return json.dumps(row).encode("ascii") + b"\n"


def target_of(line: bytes) -> Target:
    """Return the target that :func:`line_of` wrote."""
    index, origin, url, name, checksum, headers = json.loads(line)
    return Target(
        url=Url(url),
        index=index,
        origin=origin,
        name=name,
        checksum=Checksum(*checksum) if checksum else None,
        headers=tuple((key, value) for key, value in headers),
    )


def failure_of(line: bytes) -> Failed:
    """Return the failure that :func:`line_of` wrote."""
    index, origin, url, kind, message, hint = json.loads(line)
    return Failed(
        index=index, origin=origin, url=url, kind=ErrorKind(kind), message=message, hint=hint
    )
