"""The thread that reads ahead of the event loop, and never too far."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from downloader.core.read_ahead import ReadAhead

#: Nothing here takes this long; it ends a test that would hang.
_SOON = 10


async def _settled(reader: ReadAhead[int], count: int) -> None:
    """Let the thread run until it has read *count* items."""
    async with asyncio.timeout(_SOON):
        while reader.count < count:  # noqa: ASYNC110 - the thread sets no event for this
            await asyncio.sleep(0)


async def _next(reader: ReadAhead[int]) -> int:
    taken = await reader.take(1)
    if not taken:
        raise StopAsyncIteration
    return taken[0]


async def _items(reader: ReadAhead[int]) -> AsyncIterator[int]:
    while taken := await reader.take(3):
        assert len(taken) <= 3
        for item in taken:
            yield item


async def test_items_come_in_order_and_all_of_them() -> None:
    reader = ReadAhead(range(5000), max_buffered=7)
    assert [item async for item in _items(reader)] == list(range(5000))
    assert reader.finished
    assert reader.count == 5000


async def test_an_empty_iterable_ends_at_once() -> None:
    empty: list[int] = []
    assert [item async for item in _items(ReadAhead(empty))] == []


async def test_after_the_end_there_is_still_an_end() -> None:
    reader = ReadAhead([1])
    assert await _next(reader) == 1
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await _next(reader)


async def test_the_thread_never_reads_much_further_than_it_may() -> None:
    pulled = 0
    blocked = threading.Event()

    def items() -> Iterator[int]:
        nonlocal pulled
        for item in range(1000):
            pulled += 1
            if pulled == 11:
                blocked.set()
            yield item

    reader = ReadAhead(items(), max_buffered=10)
    # The thread holds one item for which there is no room yet.
    assert await asyncio.to_thread(blocked.wait, _SOON)
    await _settled(reader, 10)
    for taken in range(1, 100):
        assert await _next(reader) == taken - 1
        assert pulled <= taken + 11
    assert [item async for item in _items(reader)] == list(range(99, 1000))


async def test_an_error_comes_after_the_items_before_it_and_only_once() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the list breaks off")

    reader = ReadAhead(items())
    seen = []
    with pytest.raises(ValueError, match="the list breaks off"):
        async for item in _items(reader):
            seen.append(item)  # noqa: PERF401 - what came before the error is asked for
    assert seen == [1, 2]
    with pytest.raises(StopAsyncIteration):
        await _next(reader)


async def test_the_loop_goes_on_while_the_iterable_blocks() -> None:
    go = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        go.wait(_SOON)
        yield 2

    reader = ReadAhead(items())
    assert await _next(reader) == 1
    following = asyncio.ensure_future(_next(reader))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not following.done()
    go.set()
    async with asyncio.timeout(_SOON):
        assert await following == 2


async def test_a_cancelled_wait_loses_nothing() -> None:
    go = threading.Event()

    def items() -> Iterator[int]:
        go.wait(_SOON)
        yield 1
        yield 2

    reader = ReadAhead(items())
    waiting = asyncio.ensure_future(_next(reader))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    async with asyncio.timeout(_SOON):
        assert [item async for item in _items(reader)] == [1, 2]


async def test_a_stopped_reader_hands_over_what_it_has_and_reads_no_further() -> None:
    pulled = 0

    def items() -> Iterator[int]:
        nonlocal pulled
        while True:
            pulled += 1
            yield pulled

    reader = ReadAhead(items(), max_buffered=5)
    await _settled(reader, 5)
    reader.stop()
    async with asyncio.timeout(_SOON):
        assert [item async for item in _items(reader)] == [1, 2, 3, 4, 5]
    assert pulled <= 7


def test_a_thread_that_outlives_its_loop_ends_quietly() -> None:
    go, ended = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        try:
            go.wait(_SOON)
            while True:
                yield 1
        finally:
            ended.set()

    async def start() -> ReadAhead[int]:
        reader = ReadAhead(items())
        waiting = asyncio.ensure_future(_next(reader))
        await asyncio.sleep(0)
        waiting.cancel()
        return reader

    reader = asyncio.run(start())
    go.set()
    reader.stop()
    del reader
    assert ended.wait(_SOON)
