"""What a run's processes say to each other, and how: length, then pickle.

Pickle runs what it is told to, so frames only ever come over a socket pair that the parent has made
for a child of its own; nobody else can write to it. Times of :func:`time.monotonic` travel in
them, because they are the same in all processes of a machine.
"""

import io
import operator
import pickle
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

from downloader.core.transfer import Redirected, Transfer
from downloader.errors import DiskError, DownloadError
from downloader.http import RedirectTrail
from downloader.journal import Job, PartialFile
from downloader.journal.model import SavedFile
from downloader.models import (
    Checksum,
    Downloaded,
    Failed,
    InFlight,
    Outcome,
    PartialBody,
    Sizes,
    Target,
    Timings,
    TransferOptions,
    Unchanged,
)
from downloader.web.filenames import FileName

_LENGTH = struct.Struct(">I")
#: What there are many of. Python's own way for frozen dataclasses takes several times as long.
_RECORDS: tuple[type, ...] = (
    Checksum,
    Downloaded,
    Failed,
    InFlight,
    Job,
    FileName,
    PartialFile,
    PartialBody,
    Redirected,
    SavedFile,
    Sizes,
    Target,
    Timings,
    RedirectTrail,
    Transfer,
    Unchanged,
)

#: A transfer that goes on elsewhere, and in how many seconds.
Move = tuple[Transfer, float]


@dataclass(frozen=True, slots=True)
class Start:
    """Parent to child, first of all: what it is to be.

    Attributes:
        options: how the run is made; limits of the whole run are this child's share.
        most: no more transfers than that at once, where the number is found out.
        at_once: no more than that until :class:`UseFullConcurrency`.
        debug: with asyncio's debug mode and a debug log.
    """

    options: TransferOptions
    most: int
    at_once: int | None
    debug: bool


@dataclass(frozen=True, slots=True)
class AddTransfers:
    """Parent to child: have these fetched."""

    transfers: Sequence[Transfer]


@dataclass(frozen=True, slots=True)
class Reassign:
    """Either way: the next host of these is the other side's to find, or the child's to ask."""

    moves: Sequence[Move]


@dataclass(frozen=True, slots=True)
class Stop:
    """Parent to child: start nothing more; with *now*, end what is running as well."""

    now: bool


@dataclass(frozen=True, slots=True)
class UseFullConcurrency:
    """Parent to child: start as many at once as is best."""


@dataclass(frozen=True, slots=True)
class SetRateLimit:
    """Parent to child: receive no more than so many bytes per second."""

    rate: float


@dataclass(frozen=True, slots=True)
class PartRecorded:
    """Parent to child: the journal has done what a :class:`RecordPart` asks for, or cannot."""

    number: int
    error: DiskError | None


@dataclass(frozen=True, slots=True)
class RecordPart:
    """Child to parent: note this for the job of that row, and say when that is written."""

    number: int
    row: int
    parked: PartialFile


@dataclass(frozen=True, slots=True)
class Ended:
    """Child to parent: what became of transfers, by the row of their job."""

    outcomes: Sequence[tuple[int, Outcome | Redirected]]


@dataclass(frozen=True, slots=True)
class Untried:
    """Child to parent, once stopped: rows of what had not been started, and never will be."""

    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class ProgressUpdate:
    """Child to parent: how far it is.

    Attributes:
        received: bytes of bodies over the wire so far.
        running: how many transfers are being fetched.
        rows: those of them that have been going on for longest.
    """

    received: int
    running: int
    rows: Sequence[InFlight]


@dataclass(frozen=True, slots=True)
class FatalError:
    """Child to parent, last of all: why the run cannot be made."""

    error: DownloadError


ToChild = Start | AddTransfers | Reassign | Stop | UseFullConcurrency | SetRateLimit | PartRecorded
ToParent = RecordPart | Ended | Reassign | Untried | ProgressUpdate | FatalError
Frame = ToChild | ToParent


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
    """Makes frames of bytes, however those are cut; what is not whole at the end is dropped."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that *data* completes.

        Raises:
            TypeError: it is no frame, which would be a defect.
        """
        self._data += data
        start = 0
        while len(self._data) >= (begin := start + _LENGTH.size):
            (length,) = _LENGTH.unpack_from(self._data, start)
            if len(self._data) < begin + length:
                break
            with memoryview(self._data) as view, view[begin : begin + length] as part:
                frame = pickle.loads(part)  # noqa: S301 - of our own process, see above
            start = begin + length
            if not isinstance(frame, Frame):
                raise TypeError(f"no frame: {type(frame).__name__}")
            yield frame
        del self._data[:start]


_Reducer = Callable[[object], tuple[Callable[..., object], tuple[object, ...]]]


def _reducer(record: type) -> _Reducer:
    """Return how records of a dataclass are taken apart."""
    names = _names(record)
    values = operator.attrgetter(*names)
    # Of one name it gives the value itself.
    several = len(names) > 1

    def reduce(one: object) -> tuple[Callable[..., object], tuple[object, ...]]:
        return _made, (record, values(one) if several else (values(one),))

    return reduce


def _made(record: type, values: Sequence[object]) -> object:
    """Put a record together again; its constructor has been passed once."""
    made: object = object.__new__(record)
    for put, value in zip(_SETTERS[record], values, strict=True):
        put(made, value)
    return made


def _names(record: type) -> list[str]:
    return [field.name for field in fields(record)]


_REDUCERS: dict[type, _Reducer] = {record: _reducer(record) for record in _RECORDS}
#: A slot's own descriptor sets it whether the record is frozen or not.
_SETTERS = {
    record: [getattr(record, name).__set__ for name in _names(record)] for record in _RECORDS
}
