"""Send requests other than a plain GET: their methods, and their bodies.

A request that is not idempotent must not be sent twice by accident (RFC 9110, section 9.2.2). So
its :class:`~downloader.http.credentials.RedirectTrail` knows whether any byte of its body was sent.
"""

import asyncio
from collections.abc import Awaitable, Mapping

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from downloader.errors import RedirectError
from downloader.http.credentials import RedirectTrail
from downloader.http.tls_settings import TlsChoice
from downloader.models import Request
from downloader.web.urls import Url

#: Bytes of a body that are written at once.
_PIECE_BYTES = 64 * 1024


class _Body(aiohttp.Payload):
    """The body of a request; notes in the trail that it was sent, and gives up a stalled server.

    aiohttp has no timeout for the time in which it sends.
    """

    _autoclose = True  # nothing is open

    def __init__(self, request: Request, trail: RedirectTrail, piece_timeout: float) -> None:
        super().__init__(request.body or b"")
        self._body = request.body or b""
        self._size = len(self._body)
        self._trail = trail if not request.is_idempotent else None
        self._piece_timeout = piece_timeout

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text, for aiohttp's log."""
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the body.

        Raises:
            TimeoutError: the server takes no more of it.
        """
        if self._trail is not None:
            self._trail.was_submitted = True
        for start in range(0, len(self._body), _PIECE_BYTES):
            async with asyncio.timeout(self._piece_timeout):
                await writer.write(self._body[start : start + _PIECE_BYTES])

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send the body, whose length is that of the field."""
        await self.write(writer)


def submit(
    session: aiohttp.ClientSession,
    url: Url,
    headers: Mapping[str, str],
    tls: TlsChoice,
    trail: RedirectTrail,
    request: Request,
    *,
    piece_timeout: float,
    proxy: URL | None = None,
) -> Awaitable[aiohttp.ClientResponse]:
    """Make the request of *trail* by HTTP/1.1.

    Args:
        session: of aiohttp.
        url: the URL.
        headers: of the request.
        tls: which connection may be used.
        trail: notes that the request was sent.
        request: its method and body.
        piece_timeout: seconds in which the server must take some more of the body.
        proxy: the URL of the proxy that makes the request, or None.
    """
    has_body = request.body is not None or not request.is_idempotent
    return session.request(
        request.method,
        URL(url, encoded=True),
        headers=headers,
        data=_Body(request, trail, piece_timeout) if has_body else None,
        # Without a body there is no type of it.
        skip_auto_headers=("Content-Type",),
        allow_redirects=False,
        proxy=proxy,
        ssl=tls.context,
        server_hostname=tls.server_hostname,
    )


def redirect_request(trail: RedirectTrail, request: Request, status: int, target: Url) -> None:
    """Set the request that follows a redirect of *request* to *target*.

    Raises:
        RedirectError: a body that was sent over TLS would be sent without.
    """
    following = request.redirected(status)
    if following is None:
        trail.lost_body = trail.lost_body or request.body is not None
    elif (
        following.body is not None
        and trail.next.startswith("https:")
        and not target.startswith("https:")
    ):
        raise RedirectError(
            f"redirects a {request.method} from https to http, where all can read its body"
        )
    trail.request = following
