"""The settings of HTTP/2 connections, and whether a new connection is one."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from downloader.http.http2.windows import WindowBudget

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Http2Settings:
    """The settings that all connections share.

    Attributes:
        budget: the memory for bodies.
        read_timeout: seconds without any progress of a response.
        keep_requests: whether responses keep the bytes of their requests, for an archive.
        prior_knowledge: whether HTTP/2 is used without TLS, and without asking (RFC 9113, section
            3.3).
    """

    budget: WindowBudget
    read_timeout: float
    keep_requests: bool
    prior_knowledge: bool

    def is_negotiated(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether a new connection is one of HTTP/2."""
        stream = cast("ssl.SSLObject | None", transport.get_extra_info("ssl_object"))
        if stream is None:
            return self.prior_knowledge
        return stream.selected_alpn_protocol() == "h2"
