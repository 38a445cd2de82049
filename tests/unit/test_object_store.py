"""URLs of object stores, errors of stores, and when the journal is copied there."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.errors import DownloadError, OutputError, StoreError
from downloader.journal.replica_schedule import ReplicaSchedule
from downloader.object_store import parse_destination
from downloader.object_store.error_mapping import map_store_errors


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_whatever_is_no_url_is_that_folder(text: str) -> None:
    place = parse_destination(text)
    if "://" not in text:
        assert place == (Path(text), None)
    # Nothing else than a URL leaves the machine.
    assert place.remote is None or text.startswith(place.remote)


@pytest.mark.parametrize("text", ["s3://bucket/a", "s3://bucket/a/", "s3://bucket/a//"])
def test_slashes_at_the_end_make_no_other_place(text: str) -> None:
    assert parse_destination(text) == parse_destination("s3://bucket/a")
    assert parse_destination(text).folder != parse_destination("s3://bucket/b").folder


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (PermissionError("Forbidden"), "set its credentials"),
        (FileNotFoundError("no such bucket\nand more"), "create the bucket first"),
        (RuntimeError(""), ""),
    ],
)
def test_whatever_a_store_raises_is_one_line(error: Exception, hint: str) -> None:
    with pytest.raises(StoreError) as raised, map_store_errors("s3://bucket"):
        raise error
    assert raised.value.message.startswith("cannot use s3://bucket: ")
    assert "\n" not in raised.value.message
    assert hint in raised.value.hint


async def test_copies_are_sent_at_the_start_and_at_the_end() -> None:
    sent: list[int] = []
    failed: list[DownloadError] = []
    copies = ReplicaSchedule(_making(lambda: sent.append(len(sent))), failed.append)
    await copies.start()
    assert sent == [0]
    await copies.finish()
    assert sent == [0, 1]
    assert failed == []


async def test_a_store_that_takes_no_copy_ends_the_run_before_it_begins() -> None:
    def refuse() -> None:
        raise StoreError("no", hint="way out")

    with pytest.raises(OutputError, match="no"):
        await ReplicaSchedule(_making(refuse), lambda _: None).start()


async def test_a_copy_that_fails_is_told_once_and_not_tried_again() -> None:
    tried: list[int] = []
    failed: list[DownloadError] = []
    told = asyncio.Event()

    def send() -> None:
        tried.append(1)
        if len(tried) > 1:
            raise OutputError("another run")

    def fail(error: DownloadError) -> None:
        failed.append(error)
        told.set()

    copies = ReplicaSchedule(_making(send), fail, sleep=lambda _: asyncio.sleep(0))
    await copies.start()
    await asyncio.wait_for(told.wait(), 30)
    await copies.finish()
    assert len(tried) == 2
    assert [error.message for error in failed] == ["another run"]


def _making(send: Callable[[], None]) -> "Callable[[], asyncio.Future[Callable[[], None] | None]]":
    def make() -> "asyncio.Future[Callable[[], None] | None]":
        made: asyncio.Future[Callable[[], None] | None] = asyncio.Future()
        made.set_result(send)
        return made

    return make


async def test_copies_are_made_soon_at_first_and_then_now_and_then() -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 7:
            enough.set()
            await asyncio.Event().wait()

    copies = ReplicaSchedule(_making(lambda: None), lambda _: None, pause)
    await copies.start()
    await asyncio.wait_for(enough.wait(), 30)
    await copies.finish()
    assert pauses == sorted(pauses)
    assert pauses[0] < 30 <= pauses[-1]


@pytest.mark.parametrize("text", ["C://folder", "folder", "s3:/bucket", "a/b://c", ":///x"])
def test_what_only_looks_like_a_url_is_a_folder(text: str) -> None:
    assert parse_destination(text) == (Path(text), None)
