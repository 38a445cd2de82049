"""Notes are written in batches, and none is lost with whoever waited for it."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from downloader.errors import ErrorKind
from downloader.journal import Job, Journal, PartialFile
from downloader.journal.async_journal import AsyncJournal
from downloader.models import Failed, Options, PartialBody, Target
from downloader.web.filenames import SafePath
from downloader.web.urls import parse


async def test_a_download_that_is_stopped_takes_no_note_of_others_with_it(tmp_path: Path) -> None:
    targets = [Target(url=parse(f"http://h.invalid/{number}")) for number in range(2)]
    busy = threading.Event()
    async with AsyncJournal(Options(output=tmp_path), lambda _error: None) as notes:
        one, other = await notes.admit(targets)
        assert isinstance(one, Job)
        assert isinstance(other, Job)
        notes._thread.submit(busy.wait, 10)
        failure = Failed(index=0, origin="", url=one.target.url, kind=ErrorKind.DNS, message="no")
        notes.record([(one, failure)])
        parked = PartialFile(SafePath("x"), PartialBody("http://h.invalid/1", '"tag"', 9))
        parking = asyncio.create_task(notes.record_step(other, parked))
        await asyncio.sleep(0)
        parking.cancel()
        await asyncio.gather(parking, return_exceptions=True)
        busy.set()
    journal = Journal(tmp_path)
    state = journal._db.execute("SELECT kind, validator FROM urls ORDER BY id").fetchall()
    journal.close()
    assert state == [("dns", None), (None, '"tag"')]


async def test_results_that_are_being_written_are_known_to_who_asks_for_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    record, next_work = Journal.record, Journal.next_work

    def recorded(journal: Journal, results: Any) -> None:
        order.append("record")
        record(journal, results)

    def asked(journal: Journal, limit: int) -> Any:
        order.append("next work")
        return next_work(journal, limit)

    monkeypatch.setattr(Journal, "record", recorded)
    monkeypatch.setattr(Journal, "next_work", asked)
    async with AsyncJournal(Options(output=tmp_path), lambda _error: None) as notes:
        (job,) = await notes.admit([Target(url=parse("http://h.invalid/"))])
        assert isinstance(job, Job)
        failure = Failed(index=0, origin="", url=job.target.url, kind=ErrorKind.DNS, message="no")
        notes.record([(job, failure)])
        # The batch is taken, as at regular intervals, but its writing has not begun.
        writing = asyncio.create_task(notes._write_batch())
        await asyncio.sleep(0)
        await notes.next_work(0)
        await writing
    assert order == ["record", "next work"]
