"""A server that sets cookies, and what other programs make of them."""

import asyncio
import shutil

import pytest
from aiohttp import web

from tests.support.web_server import Handler


def sets(
    *fields: str,
    body: str = "",
    status: int = 200,
    location: str = "",
    media_type: str = "text/html",
) -> Handler:
    """Answer with these ``Set-Cookie`` fields."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        response = web.Response(text=body, status=status, content_type=media_type)
        for field in fields:
            response.headers.add("Set-Cookie", field)
        if location:
            response.headers["Location"] = location
        return response

    return answer


def wants(pair: str, handler: Handler) -> Handler:
    """Answer as *handler* does to requests with a cookie, and with 403 to others."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if pair in request.headers.get("Cookie", "").split("; "):
            return await handler(request)
        return web.Response(status=403)

    return answer


async def run_tool(tool: str, *arguments: str) -> None:
    """Run curl or wget, without a configuration and quietly; skip the test if there is none."""
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool}")
    quiet = {"curl": ("-q", "-s"), "wget": ("--no-config", "-q", "-O", "/dev/null")}[tool]
    process = await asyncio.create_subprocess_exec(
        tool,
        *quiet,
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    )
    await process.wait()
