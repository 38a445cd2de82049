"""Responses from an archive instead of the network, with the interface of aiohttp's."""

import asyncio
from collections.abc import Iterator

from aiohttp import HttpVersion
from multidict import CIMultiDict, CIMultiDictProxy

from downloader.errors import ConnectError, SourceError, TruncatedError
from downloader.models.exchange import ArchivedResponse, OrphanSource, ReplaySource
from downloader.web.urls import Url

#: A Content-Length with more digits is ignored.
_MAX_LENGTH_DIGITS = 18
#: Pieces of a body are joined up to this size, because each costs a change of threads.
_MIN_PIECE_BYTES = 64 * 1024
#: This field is not replayed: it would pause a host that gets no requests.
_RETRY_AFTER = b"retry-after"


class ReplayBody:
    """The body of an archived response, as a stream."""

    def __init__(self, pieces: Iterator[bytes], *, truncated: bool) -> None:
        self._pieces = pieces
        self._truncated = truncated
        self._at_eof = False
        self._error: Exception | None = None

    async def readany(self) -> bytes:
        """Return more of the body; b"" at its end.

        Raises:
            TruncatedError: the archive does not hold the end.
        """
        data = await asyncio.get_running_loop().run_in_executor(None, self._next)
        if not data and self._truncated:
            raise TruncatedError("the archive holds only the beginning", retryable=False)
        self._at_eof = not data
        return data

    def _next(self) -> bytes:
        """Return the next pieces, joined; an error is raised once what came before is returned."""
        if self._error is not None:
            raise self._error
        pieces: list[bytes] = []
        size = 0
        try:
            while size < _MIN_PIECE_BYTES and (piece := next(self._pieces, b"")):
                pieces.append(piece)
                size += len(piece)
        except Exception as error:
            if not pieces:
                raise
            self._error = error
        return b"".join(pieces)

    def at_eof(self) -> bool:
        """Return whether the whole body has been read."""
        return self._at_eof


class ReplayResponse:
    """An archived response, with the attributes of ``aiohttp.ClientResponse`` that are used.

    Attributes:
        location: of its record, if that is of use.
    """

    def __init__(self, archived: ArchivedResponse) -> None:
        self._close = archived.close
        self.location = archived.location
        self.status = archived.status
        self.reason: str | None = archived.reason
        self.version: HttpVersion | None = HttpVersion(*archived.version)
        self.raw_headers = tuple(f for f in archived.fields if f[0].lower() != _RETRY_AFTER)
        fields = (
            (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            for name, value in self.raw_headers
        )
        self.headers = CIMultiDictProxy(CIMultiDict(fields))
        length = self.headers.get("Content-Length", "")
        valid = length.isascii() and length.isdigit() and len(length) <= _MAX_LENGTH_DIGITS
        self.content_length = int(length) if valid else None
        self.content = ReplayBody(archived.body, truncated=archived.truncated)

    def release(self) -> None:
        """Close the archive file."""
        self._close()


async def replay(source: ReplaySource, url: Url) -> ReplayResponse:
    """Return the archived response for *url*.

    Raises:
        ConnectError: there is none, or the archive can no longer be read.
    """
    try:
        archived = await asyncio.get_running_loop().run_in_executor(None, source.find, url)
    except (SourceError, OSError) as error:
        reason = error.message if isinstance(error, SourceError) else error.strerror
        raise ConnectError(f"the archive cannot be read: {reason}", retryable=False) from error
    if archived is None:
        raise ConnectError("the archive holds no response for this URL", retryable=False)
    return ReplayResponse(archived)


async def find_orphan(orphans: OrphanSource, url: Url, since: float) -> ReplayResponse | None:
    """Return the response that a killed run has packed for *url* since then, if there is one."""
    archived = await asyncio.get_running_loop().run_in_executor(None, orphans.find, url, since)
    return None if archived is None else ReplayResponse(archived)
