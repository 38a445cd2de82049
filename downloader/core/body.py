"""The body of one response: decoded, measured, checked against limits, and saved."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from downloader.core.body_reader import BodyReader
from downloader.core.page_extractor import PageBuffer
from downloader.core.page_titles import TitleFinder
from downloader.core.response_filter import FilteredError
from downloader.core.transfer import Transfer, TransferContext
from downloader.errors import (
    BlockedError,
    ChecksumError,
    DiskError,
    TooLargeError,
    TruncatedError,
    UrlError,
)
from downloader.http import Response
from downloader.http.resume import strong_validator
from downloader.journal import PartialFile
from downloader.models import Checksum, PartialBody, Sizes
from downloader.models.exchange import RecordLocation
from downloader.storage import PartFile, PublishOptions
from downloader.web.charset import CharacterCounter
from downloader.web.content_coding import MAX_PIECE_BYTES
from downloader.web.filenames import SafePath
from downloader.web.media_types import PAGE_TYPES, is_text

if TYPE_CHECKING:
    from _hashlib import HASH

#: When all transfers together buffer more bytes, each that buffers a fair amount writes it.
_MAX_BUFFERED_BYTES = 64 * 1024 * 1024
_MIN_WRITE_BYTES = 64 * 1024
#: Bytes of a large body that may be received before they are read; fewer when many such bodies are
#: received at once, so that all of them together stay below a limit.
_MAX_READ_AHEAD_BYTES = 256 * 1024
_MIN_READ_AHEAD_BYTES = 64 * 1024
_ALL_READ_AHEAD_BYTES = 4 * 1024 * 1024
#: A broken body with fewer bytes is requested again from its beginning.
_MIN_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class SavedBody:
    """A body that was saved.

    Attributes:
        sizes: its sizes.
        sha256: of the saved bytes, in hex.
        title: of a page, if titles are kept; or empty.
        resumed_at: bytes that an earlier attempt had left.
        set_aside: the new name of a file that was in its place and is not ours; or empty.
        location: of its record in an archive, if one is written.
    """

    sizes: Sizes
    sha256: str
    title: str
    resumed_at: int
    set_aside: str
    location: RecordLocation | None


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a response continues a partial file.

    Attributes:
        offset: bytes of the partial file.
        total: bytes of the whole body.
    """

    offset: int
    total: int


async def save_body(
    transfer: Transfer,
    context: TransferContext,
    response: Response,
    path: SafePath,
    continuation: Continuation | None,
    page: PageBuffer | None = None,
) -> SavedBody:
    """Save the body of *response* as *path*, if it is received whole.

    A small body is saved in one call. A larger one is written to a ``.part`` file, which is kept
    when the transfer breaks and a later attempt can resume it; which version of the resource it
    holds is recorded before its first byte is written. *page* gets the bytes, too, if there is one.

    Raises:
        UrlError: the body is not whole, has another checksum, or is too large or too slow.
        DiskError: the disk refuses.
    """
    options, meter, rate_limiter = context.options, context.meter, context.rate_limiter
    body = BodyReader(response, options, rate_limited=rate_limiter is not None)
    measurement = _BodyMeasurement(response, transfer.job.target.checksum, page, options.titles)
    async with _BodyWriter(
        transfer, context, response, path, measurement, resumable=body.decoder is None
    ) as writer:
        if continuation is not None:
            async for size in writer.resume(continuation.offset):
                body.grow(size)
        while data := await response.read_some():
            received = len(data)
            transfer.received += received
            meter.received += received
            for piece in body.feed(data):
                if not piece:
                    # Let timeouts and other transfers run, while a body costs much work.
                    await asyncio.sleep(0)
                elif not writer.buffer(piece):
                    await writer.write(piece)
            if rate_limiter is not None:
                await rate_limiter.throttle(received)
            if response.is_read:
                break
        # Every named file must be in the archive. A pack has no files: it records a body last, so
        # that it holds none that fails.
        location = None
        if response.is_archived and not options.pack:
            location = await response.archived()
        body.finish()
        if context.response_filter is not None:
            context.response_filter.check_body(response, transfer.job.target, body.size)
        if continuation is not None:
            _check_length(body.size, continuation, writer)
        modified = response.modified if options.server_timestamps else None
        overwrites = options.file is not None or _replaces_own(transfer, path)
        if transfer.job.old_texts:
            await _remove_texts(transfer, context)
        set_aside = await writer.publish(PublishOptions(overwrites, modified))
        if options.pack:
            location = await response.archived()
    resumed_at = continuation.offset if continuation else 0
    return measurement.saved_body(body.wire, resumed_at, set_aside, location)


def _check_length(size: int, continuation: Continuation, writer: "_BodyWriter") -> None:
    """Check the length of a resumed body, and keep no part of one that is of another version.

    Raises:
        TruncatedError: it has another length than the server announced.
    """
    if size != continuation.total:
        writer.discard()
        raise TruncatedError("the resumed body does not have the length that the server announced")


async def _remove_texts(transfer: Transfer, context: TransferContext) -> None:
    """Remove the texts of a page that is about to be replaced: none must be of another version."""
    for text in transfer.job.old_texts:
        await context.storage.remove(text)


def _replaces_own(transfer: Transfer, path: SafePath) -> bool:
    """Return whether a file that is in the place of *path* is an earlier version of this one."""
    job = transfer.job
    return job.is_name_free or (job.saved is not None and job.saved.path == path)


class _BodyMeasurement:
    """Hashes and counts the decoded bytes of a body.

    It is used in the threads that save, because it can be as much work as saving.

    Attributes:
        sha256: of the whole body in hex, after :meth:`finish`.
    """

    def __init__(
        self,
        response: Response,
        checksum: Checksum | None,
        page: PageBuffer | None,
        keeps_title: bool,
    ) -> None:
        is_titled = keeps_title and response.media_type in PAGE_TYPES
        self._title = TitleFinder(response.content_type, response.media_type) if is_titled else None
        text = is_text(response.media_type)
        self._characters = (
            CharacterCounter(response.content_type, response.media_type) if text else None
        )
        self._sha256: HASH | None = None
        self._checksum = checksum
        self._page = page
        other = checksum is not None and checksum.algorithm != "sha256"
        self._other_hash = hashlib.new(checksum.algorithm) if checksum and other else None
        self._saved = self._character_count = 0
        self.sha256 = ""

    def feed(self, piece: bytes) -> None:
        """Hash and count the next piece."""
        self._saved += len(piece)
        if self._sha256 is None:
            self._sha256 = hashlib.sha256()
        self._sha256.update(piece)
        if self._characters is not None:
            self._characters.feed(piece)
        if self._other_hash is not None:
            self._other_hash.update(piece)
        if self._page is not None:
            self._page.feed(piece)
        if self._title is not None:
            self._title.feed(piece)

    def measure(self, pieces: Sequence[bytes]) -> None:
        """Measure a whole body, all pieces of it.

        Raises:
            ChecksumError: it has another checksum.
        """
        if len(pieces) == 1 and self._checksum is None and self._page is None:
            # Most bodies are like this, and need no state between pieces.
            (data,) = pieces
            self._saved = len(data)
            self.sha256 = hashlib.sha256(data).hexdigest()
            if self._characters is not None:
                self._character_count = self._characters.count(data)
            if self._title is not None:
                self._title.feed(data)
            return
        for piece in pieces:
            self.feed(piece)
        self.finish()

    def finish(self) -> None:
        """Complete hashes and counts, and verify the checksum of the list.

        Raises:
            ChecksumError: the body has another one.
        """
        self.sha256 = (self._sha256 or hashlib.sha256()).hexdigest()
        if self._checksum is not None:
            digest = self._other_hash.hexdigest() if self._other_hash else self.sha256
            if digest != self._checksum.digest:
                raise ChecksumError(
                    f"{self._checksum.algorithm} is {digest}, expected {self._checksum.digest}; "
                    f"the body has {self._saved} bytes"
                )
        if self._characters is not None:
            self._character_count = self._characters.finish()

    def saved_body(
        self, wire: int, resumed_at: int, set_aside: str, location: RecordLocation | None
    ) -> SavedBody:
        """Return the body that was saved; *wire* is the number of bytes received."""
        title = "" if self._title is None else self._title.title
        return SavedBody(self._sizes(wire), self.sha256, title, resumed_at, set_aside, location)

    def _sizes(self, wire: int) -> Sizes:
        counted = self._characters
        if counted is None:
            return Sizes(wire, self._saved)
        return Sizes(wire, self._saved, self._character_count, counted.charset, counted.source)


class _BodyWriter:
    """Buffers a small body; writes a larger one to a ``.part`` file.

    An asynchronous context manager: when it is left without :meth:`publish`, nothing stays but a
    ``.part`` file that a later attempt can resume.
    """

    def __init__(
        self,
        transfer: Transfer,
        context: TransferContext,
        response: Response,
        path: SafePath,
        measurement: _BodyMeasurement,
        *,
        resumable: bool,
    ) -> None:
        self._transfer = transfer
        self._context = context
        self._response = response
        self._path = path
        self._measurement = measurement
        self._resumable = resumable
        self._stack: AsyncExitStack | None = None
        self._part: PartFile | None = None
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._measured = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._part is None and self._buffered >= _MIN_KEPT_BYTES and self._breaks_off(error):
            with suppress(UrlError):
                await self._keep_buffer()
        self._context.meter.buffered -= self._buffered
        self._buffered = 0
        if self._part is not None and self._part.keep:
            if isinstance(error, BlockedError | ChecksumError | FilteredError | TooLargeError):
                self._part.keep = False
            elif self._breaks_off(error):
                with suppress(UrlError):
                    await self._part.flush()
        if self._stack is not None:
            await self._stack.__aexit__(kind, error, traceback)

    async def resume(self, offset: int) -> AsyncIterator[int]:
        """Measure the *offset* bytes of the partial file, yielding sizes; then append to it.

        Raises:
            TruncatedError: the file has another size.
        """
        part = await self._open(resume=True)
        if part.size != offset:
            raise TruncatedError("the partial file has changed")
        part.keep = True
        async for block in part.read_existing():
            self._measurement.feed(block)
            yield len(block)
        part.set_observer(self._measurement.feed)

    def buffer(self, piece: bytes) -> bool:
        """Buffer the next piece of a small body; return whether it is kept so."""
        if self._part is not None:
            return False
        meter = self._context.meter
        size = len(piece)
        buffered = self._buffered + size
        if buffered >= _MIN_WRITE_BYTES and (
            buffered >= MAX_PIECE_BYTES
            or meter.buffered + size >= _MAX_BUFFERED_BYTES
            or (self._response.content_length or 0) >= MAX_PIECE_BYTES
        ):
            return False
        self._buffer.append(piece)
        self._buffered = buffered
        meter.buffered += size
        return True

    async def write(self, piece: bytes) -> None:
        """Write the next piece, after what is buffered."""
        if self._part is None:
            part = await self._open(resume=False)
            part.set_observer(self._measurement.feed)
            part.keep = await self._record_part()
            pieces, self._buffer = self._buffer, []
            self._context.meter.buffered -= self._buffered
            self._buffered = 0
            for data in pieces:
                await part.write(data)
        else:
            part = self._part
        await part.write(piece)

    def publish(self, how: PublishOptions) -> Awaitable[str]:
        """Give the whole file its name; return the new name of a file that was in its place."""
        if self._part is not None:
            return self._part.commit(how, self._measurement.finish)
        data = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        return self._context.storage.save(self._path, data, how, self._measure_buffer)

    def discard(self) -> None:
        """Keep no ``.part`` file."""
        if self._part is not None:
            self._part.keep = False

    async def _open(self, *, resume: bool) -> PartFile:
        self._stack = AsyncExitStack()
        self._stack.callback(self._read_ahead())
        opening = self._context.storage.open_part(self._path, resume=resume)
        self._part = await self._stack.enter_async_context(opening)
        return self._part

    def _read_ahead(self) -> Callable[[], None]:
        """Let more of the body be received ahead; return what ends that."""
        meter = self._context.meter
        meter.large_bodies += 1
        share = _ALL_READ_AHEAD_BYTES // meter.large_bodies
        # At a limited rate, what is received ahead would come in bursts.
        if self._context.rate_limiter is None:
            self._response.read_ahead(max(_MIN_READ_AHEAD_BYTES, min(_MAX_READ_AHEAD_BYTES, share)))

        def end() -> None:
            meter.large_bodies -= 1

        return end

    @staticmethod
    def _breaks_off(error: BaseException | None) -> bool:
        """Return whether *error* ended the transfer of a body that is right so far."""
        wrong = BlockedError | ChecksumError | DiskError | TooLargeError
        return isinstance(error, UrlError) and not isinstance(error, wrong)

    async def _keep_buffer(self) -> None:
        """Write the buffered beginning of a broken body, if a later attempt can resume it."""
        if not self._validator():
            return
        part = await self._open(resume=False)
        part.keep = await self._record_part()
        for data in self._buffer:
            await part.write(data)

    def _validator(self) -> str:
        """Return the strong validator with which this body can be resumed, or an empty string."""
        if not self._resumable or self._transfer.job.target.request is not None:
            # Only a plain GET has ranges.
            return ""
        header = self._response.header
        return strong_validator(header("ETag"), header("Last-Modified"), header("Date"))

    async def _record_part(self) -> bool:
        """Record which version the ``.part`` file holds; return whether it can be resumed."""
        response = self._response
        validator = self._validator()
        partial = PartialBody(response.url, validator, response.content_length)
        partial_file = PartialFile(self._path, partial)
        await self._context.journal.record_step(self._transfer.job, partial_file)
        self._transfer.partial_file = partial_file if validator else None
        return bool(validator)

    def _measure_buffer(self) -> None:
        if self._measured:
            return  # saving is retried when no file descriptor was free
        self._measurement.measure(self._buffer)
        self._measured = True
