"""Runs against the scripted HTTP/2 server, and what its usual answers are."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from downloader import Failed, Options, Outcome
from downloader.errors import ErrorKind
from tests.support.http2_server import Answer, Http2Server, ServerConnection, http2_server
from tests.support.library import downloaded, fetch

#: A hang is a failure of that test, not of the suite.
LIMIT = 20
OPTIONS = Options(http2_prior_knowledge=True, retries=1, read_timeout=5.0)
#: One attempt, and a short wait for a server that says nothing.
IMPATIENT = replace(OPTIONS, retries=0, read_timeout=0.4)
PAGE = b"<p>a page"
HTML = ("content-type", "text/html")


def page(connection: ServerConnection, stream_id: int, path: str) -> None:
    """Answer as a server should."""
    connection.respond(stream_id, PAGE, [HTML])


def on(path: str, answer: Answer, otherwise: Answer = page) -> Answer:
    """Answer requests for *path* in one way, and all others in another."""
    return lambda connection, stream_id, asked: (answer if asked == path else otherwise)(
        connection, stream_id, asked
    )


def once_held(number: int, then: Callable[[ServerConnection, list[int]], None]) -> Answer:
    """Hold requests on the first connection, but for ``/first``; call *then* at the last one.

    It gets the streams that are held. Later connections answer as a server should.
    """
    held: list[int] = []

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if connection.number or path == "/first":
            page(connection, stream_id, path)
            return
        held.append(stream_id)
        if len(held) == number:
            then(connection, held)

    return answer


async def run(
    server: Http2Server, folder: Path, *paths: str, options: Options = OPTIONS
) -> list[Outcome]:
    """Fetch paths of a server."""
    async with asyncio.timeout(LIMIT):
        return await fetch([server.url(path) for path in paths], folder, options)


async def outcomes_of(
    answer: Answer,
    folder: Path,
    *paths: str,
    options: Options = OPTIONS,
    settings: Mapping[int, int] | None = None,
) -> tuple[list[Outcome], Http2Server]:
    """Fetch paths of a server that answers so; return the outcomes, and what the server saw."""
    async with http2_server(answer, settings) as server:
        return await run(server, folder, *paths, options=options), server


def saved(outcome: Outcome, folder: Path) -> bytes:
    """Return the bytes that were saved."""
    path = downloaded(outcome).path
    assert path is not None
    return (folder / path).read_bytes()


def kind(outcome: Outcome) -> ErrorKind:
    """Return how a URL has failed."""
    assert isinstance(outcome, Failed), outcome
    return outcome.kind


def numbered(count: int) -> list[str]:
    """Return as many paths."""
    return [f"/{number}" for number in range(count)]
