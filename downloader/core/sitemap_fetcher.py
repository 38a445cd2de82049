"""Fetch sitemaps and feeds, and the sitemaps that an index names."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from types import TracebackType
from typing import BinaryIO, Self

from downloader.core.body_reader import SpeedGuard
from downloader.errors import TimedOutError, TooLargeError, UrlError
from downloader.http import Client, CookieJar, retry
from downloader.http.response import require_success
from downloader.models import RequestOptions
from downloader.sources import FetchList
from downloader.web.content_coding import decoder_for
from downloader.web.urls import Url

#: Bytes of a sitemap unless --max-size is given; sitemaps.org allows 50 MB.
_DEFAULT_MAX_BYTES = 1024**3
_CHUNK_BYTES = 64 * 1024


class SitemapFetcher:
    """Fetches sitemaps for the thread that reads a list; an asynchronous context manager.

    Args:
        options: of requests.
        sleep: for tests.
        jar: the cookies of the run; None for a run without cookies.

    Attributes:
        was_used: whether any sitemap was fetched.
    """

    def __init__(
        self,
        options: RequestOptions,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jar: CookieJar | None = None,
    ) -> None:
        self.was_used = False
        self._options = options
        self._sleep = sleep
        self._jar = jar
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

    def blocking_fetch(self) -> FetchList:
        """Return a function that fetches a list by its URL, and blocks the calling thread."""
        loop = asyncio.get_running_loop()

        def fetch(url: Url, home: Url) -> Iterator[bytes]:
            self.was_used = True
            with tempfile.TemporaryFile() as file:
                copying = self._copy(url, home, file)
                asyncio.run_coroutine_threadsafe(copying, loop).result()
                file.seek(0)
                while data := file.read(_CHUNK_BYTES):
                    yield data

        return fetch

    async def _copy(self, url: Url, home: Url, file: BinaryIO) -> None:
        """Fetch a sitemap into a file, with the same retries and limits as any other body.

        Raises:
            UrlError: the sitemap cannot be fetched, or exceeds a limit.
        """
        if self._client is None:
            client = Client(self._options, jar=self._jar)
            self._client = await self._stack.enter_async_context(client)
        try:
            async with asyncio.timeout(self._options.timeout):
                for attempt in count(1):
                    try:
                        await _copy_body(self._client, url, home, file, self._options)
                        return
                    except UrlError as error:
                        wait = retry.seconds_to_retry(error, attempt, self._options.retries)
                        if wait is None or wait > retry.MAX_RETRY_AFTER_SECONDS:
                            raise
                    file.seek(0)
                    file.truncate()
                    await self._sleep(wait)
        except TimeoutError as error:
            raise TimedOutError(
                "the list was not complete in time", hint="see --timeout"
            ) from error


async def _copy_body(
    client: Client, url: Url, home: Url, file: BinaryIO, options: RequestOptions
) -> None:
    """Fetch a sitemap once.

    Raises:
        UrlError: the sitemap cannot be fetched, or exceeds a limit.
    """
    bytes_left = _DEFAULT_MAX_BYTES if options.max_size is None else options.max_size
    with await client.follow(url, home) as response:
        require_success(response)
        decoder = decoder_for(response.content_coding, response.media_type)
        speed_guard = SpeedGuard.for_options(options.min_speed)
        while data := await response.read_some():
            if speed_guard is not None:
                speed_guard.feed(len(data))
            for piece in decoder.feed(data) if decoder else (data,):
                if not piece:
                    await asyncio.sleep(0)
                bytes_left -= file.write(piece)
                if bytes_left < 0:
                    raise TooLargeError("the list is too large", hint="see --max-size")
        if decoder:
            decoder.finish()
