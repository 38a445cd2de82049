"""A mirror that is made again: what has not changed is neither read nor rewritten."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from downloader import Options, Outcome
from downloader.journal import STATE_FOLDER
from downloader.storage import FileContents, LocalStorage
from downloader.web.filenames import SafePath
from tests.support.files import contents
from tests.support.handlers import keeps, redirect
from tests.support.library import fetch
from tests.support.mirror_site import mirror_site
from tests.support.web_server import Handler, Site

RECURSIVE = Options(retries=0, level=0)
REFRESH = replace(RECURSIVE, refresh=True)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of documents that are read, for their links or to rewrite them."""
    paths: list[str] = []
    read = LocalStorage.read

    async def noting(self: LocalStorage, path: SafePath, max_size: int) -> FileContents:
        paths.append(path)
        return await read(self, path, max_size)

    monkeypatch.setattr(LocalStorage, "read", noting)
    return paths


def page(*references: str, version: int = 1) -> Handler:
    links = "".join(f'<a href="{reference}">link</a>' for reference in references)
    headers = {"Content-Type": "text/html", "ETag": f'"{version}"'}
    return keeps(f"<!doctype html><p>{version}{links}".encode(), headers)


def asked(site: Site) -> list[str]:
    """Return the paths asked for since the last call, sorted."""
    paths = sorted(request.path for request in site.requests)
    site.requests.clear()
    return paths


@pytest.fixture
def three_pages(site: Site) -> Site:
    site.pages = {
        "/": page("/a", "/moved", "/lost"),
        "/a": page("/b"),
        "/b": page("/"),
        "/moved": redirect("/b"),
        "/robots.txt": "User-agent: *",
        "/favicon.ico": b"icon",
    }
    return site


async def test_nothing_is_read_again_where_nothing_has_changed(
    three_pages: Site, tmp_path: Path, reads: list[str]
) -> None:
    first = await fetch([three_pages.url()], tmp_path, RECURSIVE)
    assert (len(first), len(reads) > 0) == (5, True)
    saved = contents(tmp_path)
    for _ in range(2):
        asked(three_pages)
        reads.clear()
        again = await fetch([three_pages.url()], tmp_path, RECURSIVE)
        assert reads == []
        assert asked(three_pages) == ["/lost", "/robots.txt"]
        assert [type(outcome).__name__ for outcome in again] == ["Skipped", "Failed"]
        assert contents(tmp_path) == saved


async def test_an_unchanged_site_is_read_but_not_rewritten_by_a_refresh(
    three_pages: Site, tmp_path: Path, reads: list[str]
) -> None:
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    reads.clear()
    await fetch([three_pages.url()], tmp_path, REFRESH)
    assert len(reads) == len(set(reads)) == 3


async def test_a_page_that_has_changed_brings_its_links(three_pages: Site, tmp_path: Path) -> None:
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    three_pages.pages |= {"/b": page("/new", version=2), "/new": page("/")}
    asked(three_pages)
    await fetch([three_pages.url()], tmp_path, REFRESH)
    assert "/new" in asked(three_pages)
    text = (tmp_path / three_pages.folder / "b.html").read_text()
    assert 'href="new.html"' in text


async def test_a_file_that_is_gone_is_fetched_and_its_links_are_rewritten(
    three_pages: Site, tmp_path: Path
) -> None:
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    saved = contents(tmp_path)
    (tmp_path / three_pages.folder / "b.html").unlink()
    asked(three_pages)
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    assert asked(three_pages) == ["/b", "/lost", "/robots.txt"]
    assert contents(tmp_path) == saved


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (["/", "/more"], RECURSIVE),
        (["/more"], RECURSIVE),
        (["/"], replace(RECURSIVE, reject=("*/b",))),
        (["/"], replace(RECURSIVE, level=1)),
        (["/"], replace(RECURSIVE, reject_type=("image/*",))),
    ],
    ids=["one more line", "another line", "fewer links", "another level", "other types"],
)
async def test_another_list_or_other_options_read_all_pages(
    lines: list[str], options: Options, three_pages: Site, tmp_path: Path, reads: list[str]
) -> None:
    three_pages.pages["/more"] = page("/a")
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    reads.clear()
    await fetch(map(three_pages.url, lines), tmp_path, options)
    assert reads


async def test_a_plain_run_in_between_makes_the_next_mirror_look(
    three_pages: Site, tmp_path: Path, reads: list[str]
) -> None:
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    await fetch([three_pages.url("/b")], tmp_path, Options(force=True))
    reads.clear()
    await fetch([three_pages.url()], tmp_path, RECURSIVE)
    assert reads


async def test_a_repeated_run_does_what_one_does_that_reads_everything(tmp_path: Path) -> None:
    """Also of redirects, failures, other hosts, and files that are only kept as originals."""
    repeats, reads = tmp_path / "repeats", tmp_path / "reads"
    results: list[list[Outcome]] = []
    async with mirror_site() as site:
        lines = site.url(), site.url("/moved")
        options = replace(RECURSIVE, accept=("html", "png", "css"))
        await fetch(lines, repeats, options)
        shutil.copytree(repeats, reads, symlinks=True)
        forget_mirror(reads)
        asked_for = []
        for folder in (repeats, reads):
            site.requests.clear()
            results.append(await fetch(lines, folder, options))
            asked_for.append(sorted(site.requests))
    assert asked_for[0] == asked_for[1]
    assert contents(repeats) == contents(reads)
    assert told(results[0]) == told(results[1])


def forget_mirror(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STATE_FOLDER / "journal.sqlite3")) as db:
        assert db.execute("DELETE FROM finished_mirrors").rowcount == 1
        db.commit()


def told(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return sorted((outcome.url, type(outcome).__name__) for outcome in outcomes)
