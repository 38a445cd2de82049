"""Request handlers: fixed answers, ranges and conditions, cuts and stalls."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from tests.support.web_server import Handler


def in_turn(*answers: Handler) -> Handler:
    """Answer the first request by the first of *answers*, and so on; the last one stays."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def sends(
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    reason: str | None = None,
    cut: int | None = None,
    stall: bool = False,
) -> Handler:
    """Answer with *body* whatever was asked; after *cut* bytes break the connection, or stall."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, reason=reason, headers=dict(headers or {}))
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:cut])
        if stall:
            await asyncio.Event().wait()
        if cut is not None and request.transport is not None:
            request.transport.close()
        return response

    return answer


def keeps(
    body: bytes, headers: Mapping[str, str], *, cut: int | None = None, stall: bool = False
) -> Handler:
    """Answer as a server does that has *body*, and knows ranges and conditions."""
    validators = {headers.get("ETag"), headers.get("Last-Modified")}

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = request.headers
        unchanged = asked.get("If-None-Match"), asked.get("If-Modified-Since")
        if validators.intersection(unchanged) - {None}:
            return await sends(headers=headers, status=304)(request)
        if "Range" not in asked or asked.get("If-Range", headers.get("ETag")) not in validators:
            return await sends(body, headers, cut=cut, stall=stall)(request)
        start = int(asked["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            unsatisfied = {"Content-Range": f"bytes */{len(body)}"}
            return await sends(headers=unsatisfied, status=416)(request)
        left = {**headers, "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        return await sends(body[start:], left, status=206, cut=cut, stall=stall)(request)

    return answer


def delayed(body: bytes, seconds: float) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await sends(body)(request)

    return answer


def redirect(address: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(address)

    return answer


class _ExactlyTyped(web.StreamResponse):
    """A response without the Content-Type that aiohttp adds."""

    types: tuple[str, ...] = ()

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall("Content-Type", None)
        for each in self.types:
            self.headers.add("Content-Type", each)


def typed(body: bytes, *types: str, headers: Mapping[str, str] | None = None) -> Handler:
    """Answer with *body*, and with exactly these Content-Type fields, or none."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = _ExactlyTyped(headers=dict(headers or {}))
        response.types = types
        response.content_length = len(body)
        await response.prepare(request)
        # In pieces, as a body may come.
        await response.write(body[:7])
        await response.write(body[7:])
        return response

    return answer
