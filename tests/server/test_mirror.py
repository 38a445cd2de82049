"""Mirrored pages open offline: whole, alike, and with links that lead somewhere."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web

from downloader import Downloaded, Failed, Options, Skipped, Target, Unchanged
from downloader.core.local_run import LocalRun
from downloader.errors import ErrorKind
from downloader.journal import STATE_FOLDER
from downloader.journal.async_journal import AsyncJournal
from downloader.sources import from_items
from downloader.storage import LocalStorage
from downloader.web.urls import Url
from tests.support.command import Command
from tests.support.files import saved_files, wait_for_size
from tests.support.handlers import keeps
from tests.support.library import fetch
from tests.support.mirror_site import PAGES, MirrorSite, mirror_site
from tests.support.older_journal import downgrade
from tests.support.web_server import Handler, Site

MIRROR = Options(mirror=True)
T = TypeVar("T")


class Killed(BaseException):
    """Ends a run where it stands."""


# What is fetched, and how often


def links(*addresses: str) -> str:
    return "".join(f"<a href='{address}'>link</a>" for address in addresses)


def images(*addresses: str) -> str:
    return "".join(f"<img src='{address}'>" for address in addresses)


async def picture(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"GIF89a", content_type="image/gif")


def sheet(text: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="text/css")

    return answer


def moves(to: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(to)

    return answer


def asked(site: Site) -> list[str]:
    """Return what was asked for, in order, but for what every run asks for."""
    paths = [request.path_qs for request in site.requests]
    site.requests.clear()
    return [path for path in paths if path not in ("/favicon.ico", "/robots.txt")]


def text_of(folder: Path, site: Site, path: str) -> str:
    return (folder / site.folder / path).read_text()


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in saved_files(folder)}


async def test_pages_of_the_list_link_to_each_other_and_elsewhere_absolutely(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/a.html"] = links("b.html#part", "/b.html?", "c.html", "#here", "mailto:x@y.z")
    site.pages["/b.html"] = links("a.html")
    await fetch([site.url("/a.html"), site.url("/b.html")], tmp_path, MIRROR)
    assert text_of(tmp_path, site, "b.html") == links("a.html")
    assert text_of(tmp_path, site, "a.html") == links(
        "b.html#part", site.url("/b.html?"), site.url("/c.html"), "#here", "mailto:x@y.z"
    )


async def test_a_password_in_a_link_is_no_other_address(site: Site, tmp_path: Path) -> None:
    address = site.url("/a.gif").replace("http://", "http://user:pw@")
    site.pages |= {"/a.html": images(address), "/a.gif": picture}
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert text_of(tmp_path, site, "a.html") == images("a.gif")


async def test_what_many_pages_share_is_fetched_once(site: Site, tmp_path: Path) -> None:
    for name in "abc":
        site.pages[f"/{name}.html"] = images("/shared.gif", "/moved.gif", "/moved-too.gif")
    site.pages |= {
        "/shared.gif": picture,
        "/moved.gif": moves("/shared.gif"),
        "/moved-too.gif": moves("/moved.gif"),
    }
    outcomes = await fetch([site.url(f"/{name}.html") for name in "abc"], tmp_path, MIRROR)
    assert sorted(asked(site)) == [
        *("/a.html", "/b.html", "/c.html", "/moved-too.gif", "/moved.gif", "/shared.gif"),
    ]
    assert [type(outcome) for outcome in outcomes] == [Downloaded] * 4
    for name in "abc":
        assert text_of(tmp_path, site, f"{name}.html") == images(*["shared.gif"] * 3)


async def test_a_page_is_saved_though_an_image_fails(
    site: Site, tmp_path: Path, command: Command
) -> None:
    site.pages["/a.html"] = images("gone.gif", "here.gif")
    site.pages["/here.gif"] = picture
    ran = await command(site.url("/a.html"), "-m", "-o", tmp_path / "out")
    assert ran.status == 1
    assert ran.err == [
        f"Failed {site.url('/gone.gif')}: 404 Not Found (http-status), "
        f"needed by {site.url('/a.html')}"
    ]
    assert ran.out[-1].startswith("3 URLs: 2 downloaded, 0 unchanged, 0 skipped, 1 failed")
    assert text_of(tmp_path / "out", site, "a.html") == images(site.url("/gone.gif"), "here.gif")


async def test_an_icon_that_a_page_names_is_missed_whichever_page_comes_first(
    site: Site, tmp_path: Path
) -> None:
    site.pages |= {"/a.html": "no icon", "/b.html": images("/favicon.ico")}
    gone: dict[str, bool] = {}
    for folder, names in {"one": "ab", "two": "ba", "none": "a"}.items():
        pages = [site.url(f"/{name}.html") for name in names]
        outcomes = await fetch(pages, tmp_path / folder, MIRROR)
        gone[folder] = any(isinstance(outcome, Failed) for outcome in outcomes)
        assert [r.path for r in site.requests].count("/favicon.ico") == 1
        site.requests.clear()
    assert gone == {"one": True, "two": True, "none": False}


async def test_running_it_again_fetches_nothing_and_changes_no_byte(
    mirrored: MirrorSite, tmp_path: Path
) -> None:
    pages = [mirrored.url(path) for path in PAGES]
    await fetch(pages, tmp_path, MIRROR)
    before, times = all_bytes(tmp_path), file_times(tmp_path)
    mirrored.requests.clear()
    outcomes = await fetch(pages, tmp_path, replace(MIRROR, verify=True))
    assert {path for _, path in mirrored.requests} == {
        "/favicon.ico",
        "/img/missing.png?status=404",
    }
    assert [type(outcome) for outcome in outcomes].count(Skipped) == len(pages)
    assert len(outcomes) == len(pages) + 1
    assert (all_bytes(tmp_path), file_times(tmp_path)) == (before, times)


def file_times(folder: Path) -> dict[str, tuple[int, int]]:
    found = {name: (folder / name).stat() for name in saved_files(folder)}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


async def test_circles_end(site: Site, tmp_path: Path) -> None:
    site.pages["/a.html"] = "<iframe src=b.html></iframe><link rel=stylesheet href=a.css>"
    site.pages["/b.html"] = "<iframe src=a.html></iframe><iframe src=b.html></iframe>"
    site.pages["/a.css"] = sheet("@import 'b.css'; @import 'a.css';")
    site.pages["/b.css"] = sheet("@import 'a.css';")
    outcomes = await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert len(outcomes) == 4
    assert sorted(asked(site)) == ["/a.css", "/a.html", "/b.css", "/b.html"]


async def test_frames_without_end_and_redirects_without_end_end(site: Site, tmp_path: Path) -> None:
    for number in range(40):
        site.pages[f"/{number}.html"] = f"<iframe src={number + 1}.html></iframe><img src=r/0.gif>"
        site.pages[f"/r/{number}.gif"] = moves(f"{number + 1}.gif")
    outcomes = await fetch([site.url("/0.html")], tmp_path, replace(MIRROR, max_redirects=5))
    assert len([o for o in outcomes if isinstance(o, Downloaded)]) == 11
    [failed] = [o for o in outcomes if isinstance(o, Failed)]
    assert (failed.kind, failed.url) == (ErrorKind.REDIRECT, site.url("/r/5.gif"))


async def test_redirects_in_a_circle_have_failed_in_each_run(site: Site, tmp_path: Path) -> None:
    site.pages["/a.html"] = images("one.gif", "self.gif")
    site.pages |= {"/one.gif": moves("two.gif"), "/two.gif": moves("one.gif")}
    site.pages["/self.gif"] = moves("self.gif")
    for _ in range(2):
        outcomes = await fetch([site.url("/a.html")], tmp_path, MIRROR)
        failed = {o.url: o for o in outcomes if isinstance(o, Failed)}
        assert set(failed) == {site.url("/two.gif"), site.url("/self.gif")}
        for each in failed.values():
            assert (each.kind, each.parent) == (ErrorKind.REDIRECT, site.url("/a.html"))


async def test_no_page_can_have_a_local_file_copied(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    page = images(
        secret.as_uri(), "..%2f..%2fsecret.txt", "/../../x/%2e%2e/%2e%2e/y.gif", "data:,x"
    )
    site.pages["/a.html"] = page
    site.pages["/y.gif"] = picture
    site.pages["/..%2f..%2fsecret.txt"] = picture
    await fetch([site.url("/a.html")], tmp_path / "out", MIRROR)
    assert saved_files(tmp_path) - saved_files(tmp_path / "out") == {
        "secret.txt",
        *(f"out/{name}" for name in saved_files(tmp_path / "out")),
    }
    assert all(
        b"secret" not in body
        for name, body in all_bytes(tmp_path / "out").items()
        if not name.endswith("a.html")
    )
    assert secret.as_uri() in text_of(tmp_path / "out", site, "a.html")


async def test_a_base_and_a_redirect_are_what_links_are_relative_to(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/old"] = moves("/new/page.html")
    site.pages["/new/page.html"] = images("one.gif")
    site.pages["/based.html"] = "<base href='/new/'>" + images("one.gif") + links("gone.html")
    site.pages["/new/one.gif"] = picture
    for _ in range(2):  # a second run knows the same from the journal
        await fetch([site.url("/old"), site.url("/based.html")], tmp_path, MIRROR)
        assert text_of(tmp_path, site, "old.html") == images("new/one.gif")
        based = text_of(tmp_path, site, "based.html")
        assert based == "<base href=''>" + images("new/one.gif") + links(site.url("/new/gone.html"))


async def test_refresh_reads_what_is_unchanged_from_its_original(
    site: Site, tmp_path: Path
) -> None:
    page = keeps(images("one.gif?1").encode(), {"ETag": '"1"', "Content-Type": "text/html"})
    site.pages["/a.html"] = page
    site.pages["/one.gif?1"] = keeps(b"GIF89a", {"ETag": '"2"', "Content-Type": "image/gif"})
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    before = all_bytes(tmp_path)
    asked(site)
    outcomes = await fetch([site.url("/a.html")], tmp_path, replace(MIRROR, refresh=True))
    assert [type(outcome) for outcome in outcomes] == [Unchanged, Unchanged]
    assert asked(site) == ["/a.html", "/one.gif?1"]
    assert all_bytes(tmp_path) == before
    new = keeps(images("two.gif").encode(), {"ETag": '"3"', "Content-Type": "text/html"})
    site.pages |= {"/a.html": new, "/two.gif": picture}
    await fetch([site.url("/a.html")], tmp_path, replace(MIRROR, refresh=True))
    assert text_of(tmp_path, site, "a.html") == images("two.gif")


async def test_pages_of_an_earlier_download_are_mirrored(site: Site, tmp_path: Path) -> None:
    site.pages["/a.html"] = images("one.gif?1")
    site.pages["/one.gif?1"] = picture
    await fetch([site.url("/a.html")], tmp_path)
    asked(site)
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert asked(site) == ["/one.gif?1"]
    assert text_of(tmp_path, site, "a.html") == images("one@1.gif")


# Recursion


async def test_links_are_followed_so_many_steps_on_the_same_host(
    site: Site, tmp_path: Path
) -> None:
    for number in range(6):
        site.pages[f"/{number}.html"] = links(f"{number + 1}.html", "http://localhost:9/") + images(
            f"{number}.gif"
        )
        site.pages[f"/{number}.gif"] = picture
    outcomes = await fetch([site.url("/0.html")], tmp_path, Options(level=2))
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    assert sorted(asked(site)) == [f"/{n}.{kind}" for n in range(3) for kind in ("gif", "html")]
    assert "href='2.html'" in text_of(tmp_path, site, "1.html")
    assert f"href='{site.url('/3.html')}'" in text_of(tmp_path, site, "2.html")
    # Deeper, later: what is there is not fetched again.
    await fetch([site.url("/0.html")], tmp_path, Options(level=4))
    assert sorted(asked(site)) == [f"/{n}.{kind}" for n in (3, 4) for kind in ("gif", "html")]
    assert "href='3.html'" in text_of(tmp_path, site, "2.html")


async def test_the_nearest_way_counts_whichever_was_found_first(site: Site, tmp_path: Path) -> None:
    # The way through /slow is shorter, and found later.
    wait = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await wait.wait()
        return web.Response(text=links("3.html"), content_type="text/html")

    async def third(_: web.Request) -> web.StreamResponse:
        wait.set()
        return web.Response(text=links("4.html"), content_type="text/html")

    site.pages |= {
        "/0.html": links("1.html", "slow"),
        "/1.html": links("2.html"),
        "/2.html": links("3.html"),
        "/slow": slow,
        "/3.html": third,
        "/4.html": "the end",
    }
    await fetch([site.url("/0.html")], tmp_path, Options(level=3))
    assert (tmp_path / site.folder / "4.html").exists()


async def test_a_followed_redirect_stays_on_its_host(site: Site, tmp_path: Path) -> None:
    site.pages["/0.html"] = links("away", "dir", "dir/")
    site.pages["/away"] = moves("http://localhost:9/")
    site.pages["/dir"] = moves("/dir/")
    site.pages["/dir/"] = "a folder"
    outcomes = await fetch([site.url("/0.html")], tmp_path, Options(level=1))
    assert len(outcomes) == 2
    assert sorted(asked(site)) == ["/0.html", "/away", "/dir", "/dir/"]
    assert text_of(tmp_path, site, "0.html") == links(
        site.url("/away"), "dir/index.html", "dir/index.html"
    )


async def test_what_asks_not_to_be_followed_is_not(site: Site, tmp_path: Path) -> None:
    site.pages["/0.html"] = "<a rel=nofollow href=1.html>1</a>" + links("2.html")
    site.pages["/2.html"] = "<meta name=robots content=nofollow>" + links("3.html")
    await fetch([site.url("/0.html")], tmp_path, Options(level=3))
    assert sorted(asked(site)) == ["/0.html", "/2.html"]


async def test_what_a_page_sends_on_to_at_once_comes_with_it(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/old.html": '<meta http-equiv=refresh content="0;URL=new.html">'
        '<script>location.replace("new.html" + location.hash)</script>',
        "/new.html": "<p>here" + images("a.gif") + links("not.html"),
        "/a.gif": picture,
        "/loop.html": "<meta http-equiv=refresh content='0;loop.html'>",
        "/later.html": "<meta http-equiv=refresh content='9;not.html'>",
    }
    addresses = [site.url(f"/{name}.html") for name in ("old", "loop", "later")]
    await fetch(addresses, tmp_path, MIRROR)
    assert sorted(asked(site)) == [
        *("/a.gif", "/later.html", "/loop.html", "/new.html", "/old.html")
    ]
    assert 'URL=new.html"' in text_of(tmp_path, site, "old.html")
    assert text_of(tmp_path, site, "new.html") == "<p>here" + images("a.gif") + links(
        site.url("/not.html")
    )


# Killed, old and odd


@pytest.mark.slow
async def test_killed_at_any_moment_it_ends_like_an_undisturbed_run(
    tmp_path: Path, command: Command
) -> None:
    chance = random.Random(5)
    async with mirror_site() as mirrored:
        list_file = tmp_path / "list.txt"
        list_file.write_text("\n".join(mirrored.url(path) for path in PAGES))
        await command(list_file, "-m", "-o", tmp_path / "whole")
        whole = all_bytes(tmp_path / "whole")
        for _ in range(8):
            folder = tmp_path / f"killed-{chance.random()}"
            process = await command.start(list_file, "-m", "-o", folder)
            await wait_for_size(folder / STATE_FOLDER / "journal.sqlite3", 1)
            await asyncio.sleep(chance.random() * 0.7)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            ran = await command(list_file, "-m", "-o", folder)
            assert ran.status == 1
            assert all_bytes(folder) == whole


@pytest.mark.parametrize("moment", range(8))
async def test_killed_while_links_change_it_ends_like_an_undisturbed_run(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    site.pages["/a.html"] = images("one.gif?1") + links("b.html", "c.html")
    site.pages |= {"/one.gif?1": picture, "/b.html": "b", "/c.html": links("a.html")}
    first, both = [site.url("/a.html")], [site.url("/a.html"), site.url("/b.html")]
    for folder in (tmp_path / "whole", tmp_path / "killed"):
        await fetch(first, folder, MIRROR)
    await fetch(both, tmp_path / "whole", MIRROR)
    steps = 0

    def or_killed(step: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def killed(*arguments: object) -> T:
            nonlocal steps
            steps += 1
            if steps > moment:
                raise Killed
            return await step(*arguments)

        return killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(LocalStorage, "save", or_killed(LocalStorage.save))
        patch.setattr(AsyncJournal, "record_published", or_killed(AsyncJournal.record_published))
        await fetch(both, tmp_path / "killed", MIRROR)
    await fetch(both, tmp_path / "killed", MIRROR)
    assert all_bytes(tmp_path / "killed") == all_bytes(tmp_path / "whole")


async def test_a_journal_of_an_older_version_is_brought_up_to_date(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/a.html"] = images("one.gif?1")
    site.pages["/one.gif?1"] = picture
    await fetch([site.url("/a.html")], tmp_path)
    asked(site)
    with closing(sqlite3.connect(tmp_path / STATE_FOLDER / "journal.sqlite3")) as db:
        downgrade(db, 1)
    [outcome, _] = await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert isinstance(outcome, Skipped)
    assert asked(site) == ["/one.gif?1"]
    assert text_of(tmp_path, site, "a.html") == images("one@1.gif")


async def test_a_file_that_lost_its_original_is_fetched_again(site: Site, tmp_path: Path) -> None:
    site.pages["/a.html"] = images("one.gif?1")
    site.pages["/one.gif?1"] = picture
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    asked(site)
    shutil.rmtree(tmp_path / STATE_FOLDER / "originals")
    before = saved_files(tmp_path)
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert asked(site) == ["/a.html"]
    assert saved_files(tmp_path) == before
    assert text_of(tmp_path, site, "a.html") == images("one@1.gif")


@pytest.mark.parametrize("damage", [b"short", b"x" * len("<img src=one.gif?1>")])
async def test_an_original_that_is_not_what_was_received_is_not_read(
    site: Site, tmp_path: Path, damage: bytes
) -> None:
    site.pages["/a.html"] = images("one.gif?1")
    site.pages["/one.gif?1"] = picture
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    asked(site)
    [original] = (tmp_path / STATE_FOLDER / "originals").rglob("a.html")
    original.write_bytes(damage)
    await fetch([site.url("/a.html")], tmp_path, replace(MIRROR, verify=True))
    assert asked(site) == ["/a.html"]
    assert text_of(tmp_path, site, "a.html") == images("one@1.gif")
    assert original.read_text() == images("one.gif?1")


async def test_what_is_too_large_to_be_read_is_saved_with_a_warning(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.mirror.document_reader.MAX_DOCUMENT_BYTES", 100)
    site.pages["/a.html"] = images("one.gif") + " " * 100
    site.pages["/b.html"] = images("two.gif")
    site.pages["/two.gif"] = picture
    entries = [site.url("/a.html"), site.url("/b.html")]
    batch = LocalRun(lambda _: from_items(entries), replace(MIRROR, output=tmp_path))
    assert len([outcome async for outcome in batch.outcomes()]) == 3
    assert batch.warnings == [f"{site.folder}/a.html was not read for links: larger than 100 B"]
    assert text_of(tmp_path, site, "a.html") == site.pages["/a.html"]


async def test_an_interrupted_mirror_goes_on(site: Site, tmp_path: Path) -> None:
    site.pages["/a.html"] = images("one.gif?1", "two.gif")
    wait = asyncio.Event()

    async def stalls(_: web.Request) -> web.StreamResponse:
        await wait.wait()
        return web.Response(body=b"GIF89a", content_type="image/gif")

    site.pages |= {"/one.gif?1": picture, "/two.gif": stalls}
    batch = LocalRun(lambda _: from_items([site.url("/a.html")]), replace(MIRROR, output=tmp_path))
    told = []
    async for outcome in batch.outcomes():
        told.append(outcome)
        if len(told) == 2:
            batch.stop(now=True)
    assert [type(outcome) for outcome in told] == [Downloaded, Downloaded, Failed]
    assert batch.warnings == ["not all links are rewritten yet; run the same command to continue"]
    asked(site)
    wait.set()
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert asked(site) == ["/two.gif"]
    assert text_of(tmp_path, site, "a.html") == images("one@1.gif", "two.gif")


async def test_a_line_of_the_list_has_its_own_outcome_though_it_was_found_first(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/a.html"] = links("b.html")
    site.pages["/b.html"] = "b"
    read = asyncio.Event()
    loop = asyncio.get_running_loop()

    def lines() -> Iterator[str]:
        yield site.url("/a.html")
        asyncio.run_coroutine_threadsafe(read.wait(), loop).result()
        yield site.url("/b.html")

    batch = LocalRun(lambda _: from_items(lines()), Options(level=1, output=tmp_path))
    told = []
    async for outcome in batch.outcomes():
        told.append(outcome)
        if len(told) == 2:
            read.set()
    assert [type(outcome) for outcome in told] == [Downloaded, Downloaded, Skipped]


async def test_what_was_found_waits_in_the_journal_and_not_in_memory(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.core.local_run._MAX_UNFINISHED", 100)
    monkeypatch.setattr("downloader.core.local_run._MAX_LINES_PER_TRANSACTION", 50)
    site.pages["/a.html"] = images(*(f"{number}.gif" for number in range(1000)))
    site.pages |= {f"/{number}.gif": picture for number in range(1000)}
    batch = LocalRun(lambda _: from_items([site.url("/a.html")]), replace(MIRROR, output=tmp_path))
    most = 0
    async for _ in batch.outcomes():
        most = max(most, batch._backend.unfinished)
    assert 50 < most <= 150
    assert len(saved_files(tmp_path)) == 1001


async def test_a_missing_file_is_fetched_though_very_many_before_it_are_there(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.core.local_run._MAX_UNFINISHED", 4)
    monkeypatch.setattr("downloader.core.local_run._MAX_LINES_PER_TRANSACTION", 2)
    site.pages["/a.html"] = images(*(f"{number}.gif" for number in range(20)))
    site.pages |= {f"/{number}.gif": picture for number in range(20)}
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    (tmp_path / site.folder / "19.gif").unlink()
    asked(site)
    await fetch([site.url("/a.html")], tmp_path, MIRROR)
    assert asked(site) == ["/19.gif"]


async def test_secrets_stay_with_the_origin_of_the_line(
    mirrored: MirrorSite, tmp_path: Path
) -> None:
    seen: dict[str, set[str | None]] = {}
    answer = mirrored.answer

    async def noted(request: web.Request) -> web.StreamResponse:
        for name in ("X-Key", "X-Own", "Authorization"):
            seen.setdefault(f"{request.host[:5]} {name}", set()).add(request.headers.get(name))
        return await answer(request)

    mirrored.answer = noted  # type: ignore[method-assign]
    url = Url(mirrored.url().replace("http://", "http://user:pw@"))
    line = Target(url=url, headers=(("X-Own", "2"),))
    await fetch([line], tmp_path, replace(MIRROR, headers=(("X-Key", "1"),)))
    assert seen == {
        "127.0 X-Key": {"1"},
        "127.0 X-Own": {"2"},
        "127.0 Authorization": {"Basic dXNlcjpwdw=="},
        **{f"local {name}": {None} for name in ("X-Key", "X-Own", "Authorization")},
    }
    files = (tmp_path / STATE_FOLDER).iterdir()
    assert all(b"user:pw" not in file.read_bytes() for file in files if file.is_file())
