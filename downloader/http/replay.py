"""An archive in the network's place: what is stored, as a response of aiohttp's would be."""

import asyncio
from collections.abc import Iterator

from aiohttp import HttpVersion
from multidict import CIMultiDict, CIMultiDictProxy

from downloader.errors import ConnectError, TruncatedError
from downloader.models.exchange import ArchivedResponse, OrphanSource, ReplaySource
from downloader.web.urls import Url

#: No body has a length with more digits.
_LONGEST_LENGTH = 18
#: It would pause requests that no server gets.
_RETRY_AFTER = b"retry-after"


class ReplayBody:
    """The body of a stored answer, as a stream."""

    def __init__(self, pieces: Iterator[bytes], *, cut: bool) -> None:
        self._pieces = pieces
        self._cut = cut
        self._ended = False

    async def readany(self) -> bytes:
        """Return more of it; at its end, nothing.

        Raises:
            TruncatedError: it was not received to its end.
        """
        data = await asyncio.get_running_loop().run_in_executor(None, self._next)
        if not data and self._cut:
            raise TruncatedError("the archive holds only the beginning", retryable=False)
        self._ended = not data
        return data

    def _next(self) -> bytes:
        return next(self._pieces, b"")

    def at_eof(self) -> bool:
        """Return whether all of it has been read."""
        return self._ended


class ReplayResponse:
    """A stored answer with those attributes of an ``aiohttp.ClientResponse`` that are used."""

    def __init__(self, stored: ArchivedResponse) -> None:
        self._close = stored.close
        self.place = stored.location
        self.status = stored.status
        self.reason: str | None = stored.reason
        self.version: HttpVersion | None = HttpVersion(*stored.version)
        self.raw_headers = tuple(f for f in stored.fields if f[0].lower() != _RETRY_AFTER)
        fields = (
            (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            for name, value in self.raw_headers
        )
        self.headers = CIMultiDictProxy(CIMultiDict(fields))
        length = self.headers.get("Content-Length", "")
        readable = length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH
        self.content_length = int(length) if readable else None
        self.content = ReplayBody(stored.body, cut=stored.truncated)

    def release(self) -> None:
        """Give back what reading it needs."""
        self._close()


async def answer(holdings: ReplaySource, url: Url) -> ReplayResponse:
    """Return what is held for *url*.

    Raises:
        ConnectError: nothing.
    """
    stored = await asyncio.get_running_loop().run_in_executor(None, holdings.find, url)
    if stored is None:
        raise ConnectError("the archive holds no answer to this", retryable=False)
    return ReplayResponse(stored)


async def left(leftovers: OrphanSource, url: Url, since: float) -> ReplayResponse | None:
    """Return what an earlier run has left for *url*, since then; None if there is nothing."""
    stored = await asyncio.get_running_loop().run_in_executor(None, leftovers.find, url, since)
    return None if stored is None else ReplayResponse(stored)
