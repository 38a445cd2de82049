"""ONE body: decoded, measured, held against its limits, and saved whole or parked."""

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from downloader.errors import (
    BlockedError,
    ChecksumError,
    DiskError,
    TimedOutError,
    TooLargeError,
    TruncatedError,
    UrlError,
)
from downloader.http import Response
from downloader.http.resume import strong_validator
from downloader.models import Checksum, PartialBody, Sizes, TransferOptions
from downloader.models.exchange import RecordLocation
from downloader.scheduling import RateLimiter
from downloader.storage import PartFile, PublishOptions, Storage
from downloader.web.charset import CharacterCount
from downloader.web.content_coding import PIECE, decoder_for
from downloader.web.filenames import SafePath
from downloader.web.media_types import is_text
from downloader.web.text import format_size

#: A transfer is held against ``min_speed`` over spans of so many seconds.
_SPEED_SECONDS = 5.0
#: When all transfers together hold more bytes, each writes what it has, if that is not too little.
_MOST_HELD = 64 * 1024 * 1024
_LEAST_HELD = 64 * 1024


@dataclass(frozen=True, slots=True)
class SavedBody:
    """What is known of a body once it is saved.

    Attributes:
        sizes: how big it is.
        sha256: of the saved bytes, in hex.
        resumed_at: bytes that an earlier attempt had left.
        set_aside: the new name of a file that was in the way and is not ours; or empty.
        place: where an archive has it, if one is kept.
    """

    sizes: Sizes
    sha256: str
    resumed_at: int
    set_aside: str
    place: RecordLocation | None


@dataclass(slots=True)
class BufferedBytes:
    """How many bytes of bodies all transfers together hold, which are not written yet."""

    held: int = 0


class _BodyMeasurement:
    """Everything that is learnt from the decoded bytes as they pass.

    It belongs to the threads that save, because it may be as much work as saving is.

    Attributes:
        sha256: of all of them in hex, once it is finished.
    """

    def __init__(self, response: Response, checksum: Checksum | None) -> None:
        text = is_text(response.media_type)
        self._count = CharacterCount(response.content_type) if text else None
        self._sha256 = hashlib.sha256()
        self._checksum = checksum
        other = checksum is not None and checksum.algorithm != "sha256"
        self._other = hashlib.new(checksum.algorithm) if checksum and other else None
        self._saved = self._characters = 0
        self.sha256 = ""

    def take(self, piece: bytes | memoryview) -> None:
        """Take in the next piece."""
        self._saved += len(piece)
        self._sha256.update(piece)
        if self._count is not None:
            self._count.feed(piece)
        if self._other is not None:
            self._other.update(piece)

    def finish(self) -> None:
        """Count to the end, and hold the whole body against what the list promised.

        Raises:
            ChecksumError: it is not the promised one.
        """
        self.sha256 = self._sha256.hexdigest()
        if self._checksum is not None:
            digest = self._other.hexdigest() if self._other else self.sha256
            if digest != self._checksum.digest:
                raise ChecksumError(
                    f"{self._checksum.algorithm} is {digest}, expected {self._checksum.digest}; "
                    f"the body has {self._saved} bytes"
                )
        if self._count is not None:
            self._characters = self._count.finish()

    def sizes(self, wire: int) -> Sizes:
        """Return the sizes of the whole body, of which *wire* bytes came."""
        if self._count is None:
            return Sizes(wire, self._saved)
        return Sizes(wire, self._saved, self._characters, self._count.charset, self._count.source)


class _SpeedGuard:
    """Gives up a transfer that drips."""

    def __init__(self, least: int | None) -> None:
        self._least = least
        self._since = time.monotonic()
        self._bytes = 0

    def feed(self, size: int) -> None:
        """Take in that *size* bytes came.

        Raises:
            TimedOutError: over the last span there were too few.
        """
        if self._least is None:
            return
        self._bytes += size
        span = time.monotonic() - self._since
        if span < _SPEED_SECONDS:
            return
        if self._bytes < self._least * span:
            raise TimedOutError(f"slower than {format_size(self._least)}/s", hint="see --min-speed")
        self._since += span
        self._bytes = 0


class _BodyReader:
    """Wire bytes become decoded bytes, held against the limits; it knows their end."""

    def __init__(self, response: Response, options: TransferOptions) -> None:
        coding = response.content_coding
        self.decoder = decoder_for(coding, response.media_type)
        self.wire = self.size = 0
        self._most = options.max_size
        self._verified = response.length_verified
        self._pace = _SpeedGuard(options.min_speed)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the wire bytes *data* decode to.

        Raises:
            TooLargeError: that is more than allowed.
        """
        self.wire += len(data)
        self._pace.feed(len(data))
        if self.decoder is None:
            self.grow(len(data))
            yield data
            return
        for piece in self.decoder.feed(data):
            self.grow(len(piece))
            yield piece

    def grow(self, size: int) -> None:
        """Take in that *size* more decoded bytes are there."""
        self.size += size
        if self._most is not None and self.size > self._most:
            raise _too_large(self._most)

    def finish(self) -> None:
        """Check that the end is the end."""
        if self.decoder and (self.wire or not self._verified):
            self.decoder.finish()


class _BodyWriter:
    """Where decoded bytes go: held while they are few, and else written in pieces."""

    def __init__(
        self,
        storage: Storage,
        path: SafePath,
        measure: _BodyMeasurement,
        everything: BufferedBytes,
        began: Callable[[], Awaitable[bool]],
    ) -> None:
        self._all = everything
        self._storage = storage
        self._path = path
        self._measure = measure
        self._began = began
        self._stack = AsyncExitStack()
        self._part: PartFile | None = None
        self._held: list[bytes] = []
        self._size = 0
        self._measured = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._let_go()
        if self._part is None:
            return
        if self._part.keep:
            if isinstance(error, BlockedError | ChecksumError | TooLargeError):
                self._part.keep = False
            elif isinstance(error, UrlError) and not isinstance(error, DiskError):
                with suppress(UrlError):
                    await self._part.flush()
        await self._stack.__aexit__(kind, error, traceback)

    async def resume(self, offset: int) -> AsyncIterator[int]:
        """Go on behind the *offset* bytes that an earlier attempt left; yield their number."""
        part = await self._stack.enter_async_context(
            self._storage.open_part(self._path, resume=True)
        )
        self._part = part
        if part.size != offset:
            raise TruncatedError("the partial file is not what it was")
        part.keep = True
        async for block in part.read_existing():
            self._measure.take(block)
            yield len(block)
        part.set_observer(self._measure.take)

    async def write(self, piece: bytes) -> None:
        """Take the next piece."""
        if self._part is not None:
            await self._part.write(piece)
            return
        self._held.append(piece)
        self._size += len(piece)
        self._all.held += len(piece)
        if self._size < PIECE and (self._all.held < _MOST_HELD or self._size < _LEAST_HELD):
            return
        part = await self._stack.enter_async_context(self._storage.open_part(self._path))
        part.set_observer(self._measure.take)
        self._part = part
        part.keep = await self._began()
        held, self._held = self._held, []
        self._let_go()
        for data in held:
            await part.write(data)

    async def finish(self, how: PublishOptions) -> str:
        """Give the whole file its name; return what it set aside."""
        if self._part is None:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            return await self._storage.save(self._path, data, how, self._measure_all)
        return await self._part.commit(how, self._measure.finish)

    def forget(self) -> None:
        """Keep nothing of it when it is left unfinished."""
        if self._part is not None:
            self._part.keep = False

    def _measure_all(self) -> None:
        if self._measured:
            return  # saving is begun again when no descriptor was free
        for data in self._held:
            self._measure.take(data)
        self._measure.finish()
        self._measured = True

    def _let_go(self) -> None:
        self._all.held -= self._size
        self._size = 0


@dataclass(frozen=True, slots=True)
class Continuation:
    """A partial file that this response continues.

    Attributes:
        offset: bytes that are there.
        total: bytes of the whole body.
    """

    offset: int
    total: int


async def save_body(
    response: Response,
    path: SafePath,
    *,
    storage: Storage,
    options: TransferOptions,
    bandwidth: RateLimiter | None,
    held: BufferedBytes,
    checksum: Checksum | None,
    ours: bool,
    continuation: Continuation | None,
    received: Callable[[int], None],
    parking: Callable[[PartialBody], Awaitable[None]],
) -> SavedBody:
    """Save the body of *response* as *path*, if it comes whole.

    A small one is saved in one go; a larger one goes through a ``.part`` file, which is kept when
    the transfer breaks and a later one can continue it. *parking* is told, before its first byte
    is written, of which version that file is. *received* is told of bytes over the wire. *ours* is
    whether a file that is there is an earlier version of this one.

    Raises:
        UrlError: the body did not come whole, is not the promised one, too large or too slow.
        DiskError: the disk refuses.
    """
    body = _BodyReader(response, options)
    declared = response.content_length
    if options.max_size is not None and body.decoder is None and (declared or 0) > options.max_size:
        raise _too_large(options.max_size)
    coded = body.decoder is not None
    measure = _BodyMeasurement(response, checksum)

    async def began() -> bool:
        started = _partial(response, coded=coded)
        await parking(started)
        return bool(started.validator)

    async with _BodyWriter(storage, path, measure, held, began) as sink:
        if continuation is not None:
            async for size in sink.resume(continuation.offset):
                body.grow(size)
        while data := await response.read_some():
            received(len(data))
            for piece in body.feed(data):
                await sink.write(piece)
            if bandwidth is not None:
                await bandwidth.spend(len(data))
        # What has a name in the folder is to be in the archive; but a pack has the folder's place,
        # and is to hold nothing that fails after all.
        place = None if options.pack else await response.archived()
        body.finish()
        if continuation is not None and body.size != continuation.total:
            sink.forget()
            raise TruncatedError("the continued body is not as long as it was said to be")
        modified = response.last_modified if options.server_timestamps else None
        set_aside = await sink.finish(PublishOptions(ours, modified))
        if options.pack:
            place = await response.archived()
    offset = continuation.offset if continuation else 0
    return SavedBody(measure.sizes(body.wire), measure.sha256, offset, set_aside, place)


def _partial(response: Response, *, coded: bool) -> PartialBody:
    """Return what a later attempt needs to continue this body, if it may at all."""
    validators = (response.header(name) for name in ("ETag", "Last-Modified", "Date"))
    validator = "" if coded else strong_validator(*validators)
    return PartialBody(response.url, validator, response.content_length)


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(f"larger than {format_size(most)}", hint="see --max-size")
