"""The cost of a URL does not grow with its folder: counted in listings, not in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from downloader.journal import Job, Journal
from downloader.models import Skipped, Target
from downloader.web.urls import parse

PAGES = 300


def target(number: int, parent: str = "") -> Target:
    return Target(
        url=parse(f"https://h.example/d/{number}"),
        index=number,
        origin=f"line {number}",
        parent=parent,
    )


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are listed from now on."""
    listed: list[str] = []

    def counted(path: str | os.PathLike[str] = ".") -> object:
        listed.append(os.fspath(path))
        return scandir(path)

    def names(path: str | os.PathLike[str] = ".") -> list[str]:
        listed.append(os.fspath(path))
        return listdir(path)

    scandir, listdir = os.scandir, os.listdir
    monkeypatch.setattr(os, "scandir", counted)
    monkeypatch.setattr(os, "listdir", names)
    return listed


def killed_run(root: Path, saved: int) -> None:
    """Leave what a run leaves that was killed after it had saved a part of its pages."""
    journal = Journal(root)
    jobs = [job for job in journal.admit([*map(target, range(PAGES))]) if isinstance(job, Job)]
    journal.close()
    for job in jobs[:saved]:
        file = root / job.name.path("text/html")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("<p>")


def test_the_run_after_a_kill_lists_a_folder_once(tmp_path: Path, listings: list[str]) -> None:
    killed_run(tmp_path, saved=PAGES // 2)
    journal = Journal(tmp_path)
    listings.clear()
    admitted = journal.admit([*map(target, range(PAGES))])
    journal.close()
    assert sum(isinstance(each, Skipped) for each in admitted) == PAGES // 2
    assert sum(isinstance(each, Job) for each in admitted) == PAGES // 2
    assert len(listings) == 1


def queued(journal: Journal) -> Iterator[object]:
    while jobs := journal.next_work(50)[0]:
        yield from jobs


def test_pages_that_a_first_run_finds_are_admitted_without_listing_their_folder(
    tmp_path: Path, listings: list[str]
) -> None:
    (tmp_path / "h.example" / "d").mkdir(parents=True)
    journal = Journal(tmp_path)
    assert journal.enqueue([target(number, "https://h.example/") for number in range(PAGES)]) == []
    listings.clear()
    assert len(list(queued(journal))) == PAGES
    journal.close()
    assert listings == []


def test_a_page_that_a_killed_run_saved_is_known_when_a_later_run_finds_it(tmp_path: Path) -> None:
    killed_run(tmp_path, saved=1)
    journal = Journal(tmp_path)
    assert journal.enqueue([target(0, "https://h.example/")]) == []
    assert journal.next_work(10)[0] == []
    journal.close()


def test_another_file_of_a_claimed_name_is_not_taken_for_an_orphan(tmp_path: Path) -> None:
    killed_run(tmp_path, saved=1)
    (file,) = (tmp_path / "h.example" / "d").iterdir()
    journal = Journal(tmp_path)
    [job] = journal.admit([target(1)])
    assert isinstance(job, Job)
    assert file.exists()
    journal.close()
