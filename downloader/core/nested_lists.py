"""Fetch the lists that a list names, such as the sitemaps of an index, while it is read."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from downloader.errors import TimedOutError, TooLargeError
from downloader.http import Client
from downloader.http.response import require_success
from downloader.models import RequestOptions
from downloader.sources import FetchList
from downloader.web.content_coding import decoder_for
from downloader.web.urls import Url

#: Bytes of a sitemap that an index names; the protocol allows 50 MB.
_LARGEST = 1024**3


class NestedListFetcher:
    """What lists that lists name are fetched with; an asynchronous context manager.

    Attributes:
        asked: whether there was such a list.
    """

    def __init__(self, options: RequestOptions) -> None:
        self.asked = False
        self._options = options
        self._client: Client | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    def fetcher(self) -> FetchList:
        """Return a blocking function for the reader's thread that fetches a list by its URL."""
        loop = asyncio.get_running_loop()

        def fetch(url: Url) -> Iterator[bytes]:
            self.asked = True
            with tempfile.TemporaryFile() as file:
                copy = self._copy(url, file.write)
                asyncio.run_coroutine_threadsafe(copy, loop).result()
                file.seek(0)
                while data := file.read(64 * 1024):
                    yield data

        return fetch

    async def _copy(self, url: Url, write: Callable[[bytes], int]) -> None:
        if self._client is None:
            self._client = await self._stack.enter_async_context(Client(self._options))
        await _copy(self._client, url, write, self._options)


async def _copy(
    client: Client, url: Url, write: Callable[[bytes], int], options: RequestOptions
) -> None:
    """Fetch a list that a list names, within the limits of any other body."""
    most = _LARGEST if options.max_size is None else options.max_size
    try:
        async with asyncio.timeout(options.timeout):
            with await client.follow(url) as response:
                require_success(response)
                decoder = decoder_for(response.content_coding, response.media_type)
                while data := await response.read_some():
                    for piece in decoder.feed(data) if decoder else (data,):
                        most -= write(piece)
                        if most < 0:
                            raise TooLargeError("the list is too large", hint="see --max-size")
                if decoder:
                    decoder.finish()
    except TimeoutError as error:
        raise TimedOutError("the list is not done in time", hint="see --timeout") from error
