"""The minimal loop over aiohttp: get and read every URL of a list, and save nothing.

    python bare_loop.py LIST CONCURRENCY BYTES [AUTHORITY]

Exits with 1 unless it received BYTES in total. AUTHORITY is a file of certificates to trust.
What `download` takes beyond this is its own cost.
"""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp


async def fetch(session: aiohttp.ClientSession, urls: Iterator[str]) -> int:
    """Get the remaining URLs one after the other; return the number of bytes."""
    received = 0
    for url in urls:
        async with session.get(url) as response:
            received += len(await response.read())
    return received


async def fetch_all(urls: Iterator[str], concurrency: int, *authority: str) -> int:
    """Get all URLs with *concurrency* tasks; return the number of bytes."""
    context = ssl.create_default_context(cafile=authority[0]) if authority else True
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        return sum(await asyncio.gather(*(fetch(session, urls) for _ in range(concurrency))))


def main() -> int:
    """Fetch the list, and return the exit status."""
    path, concurrency, size, *authority = sys.argv[1:]
    urls = iter(Path(path).read_text().split())
    return int(asyncio.run(fetch_all(urls, int(concurrency), *authority)) != int(size))


if __name__ == "__main__":
    sys.exit(main())
