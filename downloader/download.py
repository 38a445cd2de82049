"""ONE URL becomes one outcome: fetch, decode, measure, save."""

import asyncio
import hashlib
import time
import traceback
from contextlib import AsyncExitStack
from dataclasses import dataclass

from downloader.charset import CharacterCount, is_text
from downloader.decode import PIECE, decoder_for
from downloader.errors import (
    ChecksumError,
    HttpStatusError,
    InternalError,
    InterruptedRunError,
    TimedOutError,
    UrlError,
)
from downloader.fetch import Client, Response
from downloader.fetch.client import require_success
from downloader.journal import Job
from downloader.models import Checksum, Downloaded, Failed, Options, Sizes, Target
from downloader.paths import SafePath
from downloader.storage import PartFile, Storage


@dataclass(slots=True)
class Transfer:
    """How far one URL has come; what SIGUSR1 and the progress bar look at.

    Attributes:
        target: what is being fetched.
        started: by :func:`time.monotonic`.
        received: bytes of the body over the wire so far.
    """

    target: Target
    started: float
    received: int = 0


class _Measure:
    """Everything that is learnt from the decoded bytes as they pass."""

    def __init__(self, media_type: str, content_type: str, checksum: Checksum | None) -> None:
        self.saved = 0
        self._count = CharacterCount(content_type) if is_text(media_type) else None
        self._checksum = checksum
        self._hash = hashlib.new(checksum.algorithm) if checksum else None

    def feed(self, data: bytes) -> None:
        self.saved += len(data)
        if self._count is not None:
            self._count.feed(data)
        if self._hash is not None:
            self._hash.update(data)

    def sizes(self, wire: int) -> Sizes:
        """Return the sizes of the whole body.

        Raises:
            ChecksumError: it is not the body that the list promised.
        """
        if self._hash is not None and self._checksum is not None:
            digest = self._hash.hexdigest()
            if digest != self._checksum.digest:
                raise ChecksumError(
                    f"{self._checksum.algorithm} is {digest}, expected {self._checksum.digest}"
                )
        if self._count is None:
            return Sizes(wire, self.saved)
        characters = self._count.finish()
        return Sizes(wire, self.saved, characters, self._count.charset, self._count.source)


async def download(
    job: Job, client: Client, storage: Storage, options: Options, transfer: Transfer
) -> Downloaded | Failed:
    """Fetch and save one URL; every expected failure is an outcome, not an exception."""
    try:
        async with asyncio.timeout(options.timeout) as limit:
            return await _attempt(job, client, storage, transfer)
    except UrlError as error:
        return failed(job.target, error, transfer)
    except TimeoutError:
        if not limit.expired():
            raise
        late = TimedOutError(f"not done in {options.timeout:g} s", hint="see --timeout")
        return failed(job.target, late, transfer)


async def _attempt(job: Job, client: Client, storage: Storage, transfer: Transfer) -> Downloaded:
    target = job.target
    started = time.time()
    async with client.get(target.url, target.headers) as response:
        require_success(response)
        path = job.name.path(response.media_type)
        sizes = await _save(response, path, target.checksum, storage, transfer)
        return Downloaded(
            index=target.index,
            origin=target.origin,
            url=target.shown,
            path=path,
            final_url=response.url,
            redirects=response.redirects,
            status=response.status,
            http_version=response.http_version,
            media_type=response.media_type,
            content_coding=response.header("Content-Encoding").lower(),
            sizes=sizes,
            length_verified=response.length_verified,
            etag=response.header("ETag"),
            last_modified=response.header("Last-Modified"),
            started=started,
            seconds=time.monotonic() - transfer.started,
        )


async def _save(
    response: Response,
    path: SafePath,
    checksum: Checksum | None,
    storage: Storage,
    transfer: Transfer,
) -> Sizes:
    """Save the body: small in one go, large in pieces of 1 MiB through a ``.part`` file."""
    decoder = decoder_for(response.header("Content-Encoding"), response.media_type)
    measure = _Measure(response.media_type, response.header("Content-Type"), checksum)
    held: list[bytes] = []
    waiting = wire = 0
    part: PartFile | None = None
    async with AsyncExitStack() as stack:
        async for data in response.chunks():
            wire += len(data)
            transfer.received += len(data)
            for piece in decoder.feed(data) if decoder else (data,):
                measure.feed(piece)
                held.append(piece)
                waiting += len(piece)
                if waiting >= PIECE:
                    if part is None:
                        part = await stack.enter_async_context(storage.begin(path))
                    await part.write(b"".join(held))
                    held.clear()
                    waiting = 0
        if decoder and (wire or not response.length_verified):
            decoder.finish()
        sizes = measure.sizes(wire)
        if part is None:
            await storage.save(path, b"".join(held))
        else:
            await part.write(b"".join(held))
            await part.commit()
    return sizes


def failed(target: Target, error: BaseException, transfer: Transfer | None = None) -> Failed:
    """Return the outcome of *target* for an exception of whatever kind."""
    where = ""
    if isinstance(error, asyncio.CancelledError):
        error = InterruptedRunError("stopped before it was done", hint="run it again to go on")
    elif not isinstance(error, UrlError):
        where = "".join(traceback.format_exception(error))
        error = InternalError(
            f"a defect of this program: {type(error).__name__}: {error}",
            hint="please report it with what --debug prints",
        )
    return Failed(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        status=error.status if isinstance(error, HttpStatusError) else None,
        seconds=time.monotonic() - transfer.started if transfer else 0.0,
        traceback=where,
    )
