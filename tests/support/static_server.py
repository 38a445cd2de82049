"""A folder served as nginx does, with types by extension."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from downloader.web.media_types import guess_media_type


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """Serve a folder as nginx does, types by extension; give its address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        file = folder / request.match_info["path"]
        if not file.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(file, headers={"Content-Type": guess_media_type(file.name)})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = TestServer(application)
    async with server:
        yield f"http://127.0.0.1:{server.port}"
