"""A clock that passes only while somebody sleeps."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class FakeClock:
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
