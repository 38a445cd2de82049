"""The frames that parent and worker processes exchange: a length, then a pickle.

Unpickling can run any code, so frames are only exchanged over a socket pair that the parent has
created for a child of its own; no other process can write to it. Times of :func:`time.monotonic`
may be sent, because all processes of a machine share that clock.
"""

import io
import operator
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

from downloader.core.host_release import Move, ReleasedHosts
from downloader.core.transfer import Redirected, Transfer, TransferStep
from downloader.errors import DiskError, DownloadError
from downloader.http import Cookie, JarContents, RedirectTrail
from downloader.journal import Job, PartialFile
from downloader.journal.model import SavedFile, SavedPage
from downloader.models import (
    Checksum,
    Downloaded,
    ExtractedPage,
    Failed,
    InFlight,
    Outcome,
    PartialBody,
    Request,
    Sizes,
    Skipped,
    Target,
    Timings,
    TransferOptions,
    Unchanged,
    shared_request,
)
from downloader.scheduling import HostState
from downloader.web.filenames import FileName

_LENGTH = struct.Struct(">I")
#: Dataclasses of which many are sent. They are pickled by :func:`_reducer`, because Python's own
#: protocol for frozen dataclasses takes several times as long.
_RECORDS: tuple[type, ...] = (
    Checksum,
    Cookie,
    Downloaded,
    ExtractedPage,
    Failed,
    HostState,
    InFlight,
    Job,
    FileName,
    PartialFile,
    PartialBody,
    Redirected,
    SavedFile,
    SavedPage,
    Sizes,
    Skipped,
    Target,
    Timings,
    RedirectTrail,
    Transfer,
    Unchanged,
)


@dataclass(frozen=True, slots=True)
class Start:
    """Parent to worker, the first frame: how to run.

    Attributes:
        options: the options of the run, with this worker's share of its limits.
        max_concurrency: the largest number of transfers at once, unless ``--concurrency`` fixes it.
        concurrency_cap: a smaller maximum until the first :class:`CapConcurrency`, or None.
        debug: whether to use asyncio's debug mode and write a debug log.
        cookies: those of the run so far; None for a run without cookies.
    """

    options: TransferOptions
    max_concurrency: int
    concurrency_cap: int | None
    debug: bool
    cookies: JarContents | None


@dataclass(frozen=True, slots=True)
class AddTransfers:
    """Parent to worker: fetch these."""

    transfers: Sequence[Transfer]


@dataclass(frozen=True, slots=True)
class Reassign:
    """Worker to parent: the next hosts of these may be another's. Parent to worker: yours."""

    moves: Sequence[Move]


@dataclass(frozen=True, slots=True)
class RestoreHosts:
    """Parent to worker: what other processes know of hosts that are yours from now on."""

    states: Sequence[HostState]


@dataclass(frozen=True, slots=True)
class ReleaseHosts:
    """Parent to worker: give back these groups of hosts; reply with :class:`HostsReleased`."""

    groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class HostsReleased:
    """Worker to parent: groups of hosts that others may continue with, or that it keeps.

    Attributes:
        released: of the transfers that have not been started, *rows* has the rows instead.
        rows: rows of these transfers.
    """

    released: ReleasedHosts
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class Stop:
    """Parent to worker: start nothing more; with *now*, also cancel what is running."""

    now: bool


@dataclass(frozen=True, slots=True)
class CapConcurrency:
    """Parent to worker: start no transfer beyond *cap* at once; None for the usual maximum."""

    cap: int | None


@dataclass(frozen=True, slots=True)
class SetRateLimit:
    """Parent to worker: the new rate limit, in bytes per second."""

    rate: float


@dataclass(frozen=True, slots=True)
class JournalReply:
    """Parent to worker: the reply to the :class:`RecordStep` or :class:`ClaimName` of this number.

    Attributes:
        number: of the request.
        name: the name that was claimed, if there is one.
        error: why the journal could not be written, or None.
    """

    number: int
    name: FileName | None
    error: DiskError | None


@dataclass(frozen=True, slots=True)
class RecordStep:
    """Worker to parent: record a step of the job of this row; reply when that is written."""

    number: int
    row: int
    step: TransferStep


@dataclass(frozen=True, slots=True)
class ClaimName:
    """Worker to parent: give the job of this row the first of these names that is free; reply."""

    number: int
    row: int
    names: Sequence[FileName]


@dataclass(frozen=True, slots=True)
class TransfersEnded:
    """Worker to parent: outcomes, each with the row of its job."""

    outcomes: Sequence[tuple[int, Outcome | Redirected]]


@dataclass(frozen=True, slots=True)
class CookiesSet:
    """In both directions: what servers have set, see :meth:`.CookieJar.take_changes`."""

    cookies: Sequence[Cookie]


@dataclass(frozen=True, slots=True)
class Untried:
    """Worker to parent, when stopped: rows of transfers that had not been started."""

    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class ProgressUpdate:
    """Worker to parent: its progress.

    Attributes:
        received: bytes of bodies over the wire so far.
        running: how many transfers are being fetched now.
        in_flight: the longest-running of them.
    """

    received: int
    running: int
    in_flight: Sequence[InFlight]


@dataclass(frozen=True, slots=True)
class FatalError:
    """Worker to parent, the last frame: why the run cannot continue."""

    error: DownloadError


ToWorker = (
    Start
    | AddTransfers
    | Reassign
    | RestoreHosts
    | ReleaseHosts
    | Stop
    | CapConcurrency
    | SetRateLimit
    | JournalReply
    | CookiesSet
)
ToParent = (
    RecordStep
    | ClaimName
    | TransfersEnded
    | Reassign
    | HostsReleased
    | Untried
    | ProgressUpdate
    | FatalError
    | CookiesSet
)
Frame = ToWorker | ToParent


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    buffer = io.BytesIO(bytes(_LENGTH.size))
    buffer.seek(_LENGTH.size)
    pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(frame)
    with buffer.getbuffer() as data:
        _LENGTH.pack_into(data, 0, len(data) - _LENGTH.size)
    return buffer.getvalue()


class FrameDecoder:
    """Decodes frames from a stream of bytes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that *data* completes.

        Raises:
            TypeError: something else was pickled, which is a bug.
        """
        self._data += data
        start = 0
        while len(self._data) >= (begin := start + _LENGTH.size):
            (length,) = _LENGTH.unpack_from(self._data, start)
            if len(self._data) < begin + length:
                break
            with memoryview(self._data) as view, view[begin : begin + length] as part:
                frame = pickle.loads(part)  # noqa: S301 - from our own process, see above
            start = begin + length
            if not isinstance(frame, Frame):
                raise TypeError(f"no frame: {type(frame).__name__}")
            yield frame
        del self._data[:start]


_Reducer = Callable[[object], tuple[Callable[..., object], tuple[object, ...]]]


def _reducer(record: type) -> _Reducer:
    """Return a pickle reducer for instances of a slotted dataclass."""
    names = _field_names(record)
    values = operator.attrgetter(*names)
    # attrgetter returns a tuple only for several names.
    several = len(names) > 1

    def reduce(instance: object) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _create, (record, values(instance) if several else (values(instance),))

    return reduce


def _create(record: type, values: Sequence[object]) -> object:
    """Create an instance without calling its constructor, which has checked the values before."""
    instance: object = object.__new__(record)
    for set_field, value in zip(_SETTERS[record], values, strict=True):
        set_field(instance, value)
    return instance


def _field_names(record: type) -> list[str]:
    return [field.name for field in fields(record)]


def _reduce_request(request: Request) -> tuple[Callable[..., object], tuple[object, ...]]:
    return shared_request, (request.method, request.body)


_REDUCERS: dict[type, _Reducer] = {
    **{record: _reducer(record) for record in _RECORDS},
    Request: _reduce_request,  # type: ignore[dict-item]
}
#: The descriptors of the slots, which set a field even if the dataclass is frozen.
_SETTERS = {
    record: [getattr(record, name).__set__ for name in _field_names(record)] for record in _RECORDS
}
