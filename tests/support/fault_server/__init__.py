"""A web server that misbehaves in one chosen way for each path.

It writes to bare streams, because a real HTTP library would refuse to send most of this. Each fault
is a small function registered under its path. ``Request.count`` and ``Request.nth_on_connection``
let one behave differently at another attempt, or on a reused connection. The modules hold the
faults by kind: ``framing``, ``connections``, ``heads``, ``statuses``, ``redirects``, ``codings``.
"""

from tests.support.fault_server import (
    codings,
    connections,
    framing,
    heads,
    pages,
    redirects,
    statuses,
)
from tests.support.fault_server.codings import ARCHIVE, BOMB
from tests.support.fault_server.endpoints import Endpoint, save_authority
from tests.support.fault_server.heads import NOT_UTF_8, WITH_BOM
from tests.support.fault_server.registry import FAULTS, Answer, Request
from tests.support.fault_server.responses import (
    BINARY,
    CHUNKED,
    HTML,
    LARGE,
    PAGE,
    Headers,
    chunk,
    chunked,
    head,
    length,
    redirect,
    respond,
    send,
    send_and_close,
    stall,
)
from tests.support.fault_server.server import FaultServer, fault_server
from tests.support.fault_server.statuses import REFUSALS

#: Each registers its faults when it is imported.
KINDS = (codings, connections, framing, heads, pages, redirects, statuses)

__all__ = [
    "ARCHIVE",
    "BINARY",
    "BOMB",
    "CHUNKED",
    "FAULTS",
    "HTML",
    "KINDS",
    "LARGE",
    "NOT_UTF_8",
    "PAGE",
    "REFUSALS",
    "WITH_BOM",
    "Answer",
    "Endpoint",
    "FaultServer",
    "Headers",
    "Request",
    "chunk",
    "chunked",
    "fault_server",
    "head",
    "length",
    "redirect",
    "respond",
    "save_authority",
    "send",
    "send_and_close",
    "stall",
]
