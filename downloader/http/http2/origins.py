"""The connection of each origin that has negotiated HTTP/2.

The first request to an origin opens a connection and negotiates the version (ALPN, RFC 7301).
Requests to the same origin wait for that, as in curl: if the server takes HTTP/2, they need no
connections of their own.
"""

import asyncio
from collections.abc import Container
from typing import TYPE_CHECKING

from downloader.web import urls
from downloader.web.urls import Url

if TYPE_CHECKING:
    from downloader.http.http2.connection import Http2Connection


#: Origins without a connection whose version is remembered.
_MAX_ORIGINS = 10_000


class Negotiated(Exception):  # noqa: N818 - it is no error
    """A new connection has negotiated HTTP/2; raised in place of making an HTTP/1.1 request."""

    def __init__(self, connection: "Http2Connection") -> None:
        super().__init__()
        self.connection = connection


class Http2Origin:
    """One origin.

    Attributes:
        http1: whether requests are made by HTTP/1.1.
        http1_only: whether the server has asked for it, so that nothing else is offered any more.
        connection: the connection that is used, if it is still usable.
    """

    def __init__(self) -> None:
        self.http1 = self.http1_only = False
        self.connection: Http2Connection | None = None
        self._negotiation: asyncio.Future[bool] | None = None
        self._failed = False

    @property
    def forgettable(self) -> bool:
        """Whether nothing is lost but the knowledge of the version."""
        return self._negotiation is None and self.connection is None

    async def usable_connection(self) -> "Http2Connection | None":
        """Return the connection to use, or None to make the request by HTTP/1.1.

        The first such request negotiates, and ends the wait of the others.
        """
        while not self.http1:
            if self.connection is not None and self.connection.usable:
                return self.connection
            self.connection = None
            if self._negotiation is None:
                if not self._failed:
                    self._negotiation = asyncio.get_running_loop().create_future()
                return None
            if not await asyncio.shield(self._negotiation):
                return None
        return None

    def http1_negotiated(self) -> None:
        """Make requests by HTTP/1.1 from now on."""
        self.http1 = self.connection is None or not self.connection.usable
        self._end_negotiation(succeeded=True)

    def http2_negotiated(self, connection: "Http2Connection") -> "Http2Connection":
        """Take a new connection; return the one to use."""
        self._failed = False
        if self.connection is None or not self.connection.usable:
            self.connection, self.http1 = connection, False
        else:
            connection.close()
        self._end_negotiation(succeeded=True)
        return self.connection

    def not_negotiated(self) -> None:
        """Let requests that wait go on by themselves, if no connection was made.

        They are not made one after another: each of them may have to wait for a timeout.
        """
        if self._negotiation is not None:
            self._failed = True
            self._end_negotiation(succeeded=False)

    def require_http1(self) -> None:
        """Make all further requests by HTTP/1.1."""
        self.http1 = self.http1_only = True

    def _end_negotiation(self, *, succeeded: bool) -> None:
        if self._negotiation is not None:
            if not self._negotiation.done():
                self._negotiation.set_result(succeeded)
            self._negotiation = None


class Http2Origins:
    """The origins of a client."""

    def __init__(self) -> None:
        self._origins: dict[tuple[str, bool], Http2Origin] = {}

    def origin(self, name: str, *, certified: bool = False) -> Http2Origin:
        """Return an origin.

        Args:
            name: such as ``https://example.com``.
            certified: whether its connections have a client certificate; no request without one may
                use them.
        """
        key = name, certified
        origin = self._origins.get(key)
        if origin is None:
            if len(self._origins) >= 2 * _MAX_ORIGINS:
                self._forget()
            origin = self._origins[key] = Http2Origin()
        return origin

    def close_idle(self, hosts: Container[str] | None = None) -> None:
        """Close idle connections: all, or those to *hosts*, as :func:`.urls.host` names them."""
        for (name, _), origin in self._origins.items():
            if hosts is not None and urls.host(Url(name)) not in hosts:
                continue
            if origin.connection is not None and origin.connection.idle:
                origin.connection.close()
                origin.connection = None

    def close(self) -> None:
        """Close all connections."""
        for origin in self._origins.values():
            if origin.connection is not None:
                origin.connection.close()

    def _forget(self) -> None:
        """Forget origins without a connection, the oldest first."""
        for origin in self._origins.values():
            if origin.connection is not None and not origin.connection.usable:
                origin.connection = None
        old = [key for key, origin in self._origins.items() if origin.forgettable]
        for key in old[: len(self._origins) - _MAX_ORIGINS]:
            del self._origins[key]
