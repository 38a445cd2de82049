"""Responses without a fault, requested beside the faulty ones."""

import asyncio

from tests.support.fault_server.registry import Request, fault
from tests.support.fault_server.responses import (
    BINARY,
    LARGE,
    respond,
)


@fault("/before")
@fault("/after")
@fault("/page")
async def page(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer)


@fault("/large")
async def large(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[BINARY], body=LARGE)
