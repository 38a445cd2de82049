"""Pages that are served slowly enough to be killed in the middle, and by range."""

import asyncio
import random
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.files import MIB

#: How a page is sent while it may be killed: slowly enough to be caught in the middle.
PIECE, PAUSE = 128 * 1024, 0.01


LARGE = ("/large/one.bin", "/large/two.bin")


@dataclass
class SentResponse:
    """One answer of the server.

    Attributes:
        path: what was asked for.
        run: which run asked for it.
        start: where the range that was asked for begins; 0 for the whole.
        size: bytes of the body that were sent so far.
    """

    path: str
    run: str
    start: int = 0
    size: int = 0


@dataclass
class ResumablePages:
    """Sixty small pages and two large bodies, served slowly or at once.

    Attributes:
        bodies: by path.
        hurry: while it is not set, answers take their time.
        sent: every answer, in order.
    """

    bodies: dict[str, bytes]
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[SentResponse] = field(default_factory=list)

    @classmethod
    def made(cls) -> "ResumablePages":
        chance = random.Random(60)
        small = {
            f"/{number}{chance.choice(['', '.html', '.png', '/'])}": chance.randbytes(
                chance.randrange(20_000)
            )
            for number in range(60)
        }
        large = {path: chance.randbytes(3 * MIB + chance.randrange(MIB)) for path in LARGE}
        both = [*small.items(), *large.items()]
        chance.shuffle(both)
        return cls(dict(both))

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return sum(map(len, self.bodies.values()))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = self.bodies[request.path]
        sent = SentResponse(request.path, request.headers["User-Agent"])
        self.sent.append(sent)
        response = web.StreamResponse(
            headers={
                "ETag": f'"{len(body)}"',
                "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
                "Content-Type": "image/png" if request.path.endswith(".png") else "text/html",
            }
        )
        if "Range" in request.headers:
            assert request.headers["If-Range"] == response.headers["ETag"]
            sent.start = int(request.headers["Range"][len("bytes=") : -1])
            response.set_status(206)
            last = len(body) - 1
            response.headers["Content-Range"] = f"bytes {sent.start}-{last}/{len(body)}"
        if request.path == next(reversed(self.bodies)):
            # The last page keeps the command from being done before it is killed.
            await self.hurry.wait()
        response.content_length = len(body) - sent.start
        await response.prepare(request)
        for start in range(sent.start, len(body), PIECE):
            if not self.hurry.is_set():
                await asyncio.sleep(PAUSE)
            piece = body[start : start + PIECE]
            await response.write(piece)
            sent.size += len(piece)
        return response

    def to(self, run: str) -> list[SentResponse]:
        """Return the answers to one run; a request may be read after its sender is dead."""
        return [sent for sent in self.sent if sent.run == run]
