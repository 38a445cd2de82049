"""What the tests of re-runs share: runs that wait for nothing, and servers with a script."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from downloader import Downloaded, Options, Outcome, Target
from downloader.core.local_run import LocalRun
from downloader.sources import from_items
from tests.conftest import Handler

MIB = 1024 * 1024


@dataclass
class Clock:
    """Time that passes only while somebody sleeps.

    Attributes:
        now: seconds since the test began.
        waits: how long was slept each time, in order.
    """

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


async def fetch(
    addresses: Iterable[str | Target],
    folder: Path,
    options: Options | None = None,
    clock: Clock | None = None,
) -> list[Outcome]:
    """Do what ``download_sites`` does, without waiting between attempts."""
    clock = clock or Clock()
    options = replace(options or Options(), output=folder)
    batch = LocalRun(lambda _: from_items(addresses), options, sleep=clock.sleep, clock=clock)
    outcomes = [outcome async for outcome in batch.outcomes()]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def done(outcome: Outcome) -> Downloaded:
    """Return *outcome*, which must be a success."""
    assert isinstance(outcome, Downloaded), outcome
    return outcome


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
    cut: int | None = None,
    stall: bool = False,
) -> Handler:
    """Answer with *body* whatever was asked; after *cut* bytes break the connection, or stall."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=dict(headers or {}))
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


async def grown(file: Path, size: int) -> None:
    """Wait until *file*, which another process writes, has so many bytes."""
    async with asyncio.timeout(20):
        # No event crosses over from another process.
        while _size(file) < size:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
