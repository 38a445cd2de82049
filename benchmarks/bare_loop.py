"""The least that aiohttp can do for a list: get, read, save nothing.

    python bare_loop.py LIST AT_ONCE BYTES

Fails unless it received BYTES in all. What `download` needs beyond this is what it adds.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp


async def fetch(session: aiohttp.ClientSession, urls: Iterator[str]) -> int:
    """Get one after the other of what is left; return the number of bytes."""
    received = 0
    for url in urls:
        async with session.get(url) as response:
            received += len(await response.read())
    return received


async def fetch_all(urls: Iterator[str], at_once: int) -> int:
    """Get everything; return the number of bytes."""
    async with aiohttp.ClientSession() as session:
        return sum(await asyncio.gather(*(fetch(session, urls) for _ in range(at_once))))


def main() -> int:
    """Return the exit status."""
    path, at_once, size = sys.argv[1:]
    urls = iter(Path(path).read_text().split())
    return int(asyncio.run(fetch_all(urls, int(at_once))) != int(size))


if __name__ == "__main__":
    sys.exit(main())
