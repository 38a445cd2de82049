"""Status codes: refusals, and those that say something about the body."""

import asyncio

from tests.support.fault_server.registry import Answer, Request, fault
from tests.support.fault_server.responses import (
    HTML,
    head,
    respond,
    send,
)

REFUSALS = {
    300: "Multiple Choices",
    305: "Use Proxy",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    599: "Whatever",
    999: "Request Denied",
}


def _refusing(status: int, reason: str) -> Answer:
    async def refuse(_: Request, writer: asyncio.StreamWriter) -> None:
        await respond(writer, f"{status} {reason}")

    return refuse


for _status, _reason in REFUSALS.items():
    fault(f"/status/{_status}")(_refusing(_status, _reason))


@fault("/status/204")
async def no_content(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("204 No Content"))


@fault("/status/204-with-body")
async def no_content_with_body(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body where there cannot be one, which the next answer must not be taken for."""
    await respond(writer, "204 No Content")


@fault("/status/205")
async def reset_content(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "205 Reset Content", body=b"")


@fault("/status/203")
async def transformed(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "203 Non-Authoritative Information")


@fault("/status/206")
async def partial_unasked(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "206 Partial Content", [HTML, ("Content-Range", "bytes 0-9/99")])


@fault("/status/304")
async def not_modified_unasked(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("304 Not Modified"))
