"""Messages to and from workers: portions of shards, their results, and their progress."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from downloader.core.processes.ipc import FrameDecoder, TransfersEnded, encode
from downloader.errors import DownloadError, ErrorKind
from downloader.models import (
    Checksum,
    Failed,
    InFlight,
    InputLine,
    Options,
    Outcome,
    Skipped,
    Target,
    shared_request,
)
from downloader.models.shards import DEFAULT_CLUSTER_SHARDS
from downloader.sources import Entry
from downloader.web.filenames import SafePath
from downloader.web.urls import Url


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """How a list is distributed.

    Attributes:
        scheduler: the address of a Dask scheduler, such as ``tcp://host:8786``; None to start one
            on this machine.
        shards: how many shards the list is cut into; an output folder keeps its number.
        workers: worker processes to start, if the scheduler is started here.
    """

    scheduler: str | None = None
    shards: int = DEFAULT_CLUSTER_SHARDS
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Portion:
    """Consecutive lines of a shard that a worker fetches in one run; their number is bounded.

    Its repr has no secrets, because Dask logs the arguments of a task that fails.

    Attributes:
        run_id: identifies the cluster run.
        shard: the number of the shard, from 0.
        first_line: the position of its first line in the shard, from 0.
        lines: its targets, as :func:`encode_entry` writes them.
        options: the options of the worker's run; its output is the shard's folder, or its prefix
            in an object store.
        version: the version of this program, which must be the same on all machines.
    """

    run_id: str
    shard: int
    first_line: int
    lines: bytes = field(repr=False)
    options: Options = field(repr=False)
    version: str

    @property
    def count(self) -> int:
        """The number of its lines."""
        return self.lines.count(b"\n")


@dataclass(frozen=True, slots=True)
class PortionResult:
    """The result of a portion.

    Attributes:
        encoded_outcomes: the outcomes, as :func:`encode_outcomes` writes them.
        untried: lines without an outcome, because the run was stopped.
        warnings: one line each, for the user.
        error: why the cluster run must end, or None.
    """

    encoded_outcomes: bytes = b""
    untried: int = 0
    warnings: Sequence[str] = ()
    error: DownloadError | None = None


@dataclass(frozen=True, slots=True)
class PortionProgress:
    """The progress of a running portion.

    Attributes:
        shard: the number of the shard.
        done: lines with an outcome.
        failed: those of them that failed.
        received: bytes of bodies over the wire.
        running: URLs that are being fetched.
        in_flight: those of them that have been running longest.
    """

    shard: int
    done: int = 0
    failed: int = 0
    received: int = 0
    running: int = 0
    in_flight: Sequence[InFlight] = ()


def encode_outcomes(outcomes: Iterable[Outcome]) -> bytes:
    """Encode outcomes as the processes of one machine do."""
    return encode(TransfersEnded([(outcome.index, outcome) for outcome in outcomes]))


def decode_outcomes(encoded: bytes, folder: str) -> Iterator[Outcome]:
    """Yield the outcomes that :func:`encode_outcomes` encoded, with paths below *folder*."""
    for frame in FrameDecoder().feed(encoded):
        if isinstance(frame, TransfersEnded):
            for _, outcome in frame.outcomes:
                if isinstance(outcome, Outcome):
                    yield _with_folder(outcome, folder)


def _with_folder(outcome: Outcome, folder: str) -> Outcome:
    """Return an outcome, which nobody else refers to yet, with its path below *folder*."""
    if isinstance(outcome, Failed) or not outcome.path:
        return outcome
    path = SafePath(f"{folder}/{outcome.path}")
    if isinstance(outcome, Skipped):
        detail = outcome.detail.replace(outcome.path, path)
        return replace(outcome, path=path, detail=detail)
    # Changed in place: the process that yields all outcomes has no time for a copy of each.
    object.__setattr__(outcome, "path", path)
    return outcome


def encode_entry(entry: Entry) -> bytes:
    """Encode an entry of a list as one line of JSON."""
    if isinstance(entry, Failed):
        row = [entry.index, entry.origin, entry.url, entry.kind, entry.message, entry.hint]
        row.append(_encoded_line(entry.source_line))
    else:
        checksum = entry.checksum and [entry.checksum.algorithm, entry.checksum.digest]
        row = [entry.index, entry.origin, entry.url, entry.name, checksum, entry.headers]
        row += [entry.root, _encoded_line(entry.source_line)]
        if (request := entry.request) is not None:
            body = None if request.body is None else base64.b64encode(request.body).decode("ascii")
            row += [request.method, body]
    # ASCII with escapes: a list may contain lone surrogates, which UTF-8 cannot encode.
    return json.dumps(row).encode("ascii") + b"\n"


def decode_target(line: bytes) -> Target:
    """Decode a target that :func:`encode_entry` encoded."""
    index, origin, url, name, checksum, headers, root, source_line, *others = json.loads(line)
    request = None
    if others:
        method, body = others
        request = shared_request(method, None if body is None else base64.b64decode(body))
    return Target(
        url=Url(url),
        index=index,
        origin=origin,
        name=name,
        checksum=Checksum(*checksum) if checksum else None,
        headers=tuple((key, value) for key, value in headers),
        request=request,
        root=None if root is None else Url(root),
        source_line=_decoded_line(source_line),
    )


def decode_failure(line: bytes) -> Failed:
    """Decode a failure that :func:`encode_entry` encoded."""
    index, origin, url, kind, message, hint, source_line = json.loads(line)
    return Failed(
        index=index,
        origin=origin,
        url=url,
        kind=ErrorKind(kind),
        message=message,
        hint=hint,
        source_line=_decoded_line(source_line),
    )


def _encoded_line(line: InputLine | None) -> list[object] | None:
    return None if line is None else [line.text, line.number, line.columns]


def _decoded_line(members: list[Any] | None) -> InputLine | None:
    if members is None:
        return None
    text, number, columns = members
    return InputLine(text, number, tuple((name, value) for name, value in columns))
