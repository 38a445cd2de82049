"""The request that a fault answers, and the table of all faults by path."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    Attributes:
        method, path: from the request line, as sent.
        headers: by lower-case name.
        count: how many times this path has been asked for, this time included.
        nth_on_connection: how many requests its connection has carried, this one included.

    """

    method: str
    path: str
    headers: dict[str, str]
    count: int
    nth_on_connection: int


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
#: Every fault, by its path.
FAULTS: dict[str, Answer] = {}


def fault(path: str) -> Callable[[Answer], Answer]:
    """Register a function as what answers requests for *path*."""

    def register(answer: Answer) -> Answer:
        assert path not in FAULTS, f"{path} is registered twice"
        FAULTS[path] = answer
        return answer

    return register
