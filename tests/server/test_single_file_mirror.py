"""With --single-file only pages stand in the folder, and each opens by itself."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Options
from downloader.journal import SavedDocument
from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.document_writer import DocumentUpdate, publish_updates
from downloader.storage import Storage
from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.library import fetch
from tests.support.web_server import Handler, Site

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")


def typed(body: bytes, media_type: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=media_type)

    return answer


def small_site(site: Site) -> None:
    site.pages = {
        "/a.html": "<link rel=stylesheet href=s.css><img src=i.gif><a href=b.html#x>b</a>"
        "<a href=c.html>c</a><iframe src=f.html></iframe>",
        "/b.html": "<img src=i.gif><a href=a.html>a</a>",
        "/f.html": "<img src=i.gif>framed",
        "/s.css": typed(b"body { background: url(i.gif) }", "text/css"),
        "/i.gif": typed(PIXEL, "image/gif"),
    }


async def test_pages_stand_alone_in_the_folder(site: Site, command: Command) -> None:
    small_site(site)
    ran = await command("--single-file", site.url("/a.html"), site.url("/b.html"))
    assert ran.status == 0, ran.err
    folder = command.folder / "downloaded_sites"
    assert saved_files(folder) == {f"{site.folder}/a.html", f"{site.folder}/b.html"}
    page = (folder / site.folder / "a.html").read_text()
    assert base64.b64encode(PIXEL).decode().rstrip("=") in page
    assert "<a href=b.html#x>" in page
    assert site.url("/c.html") in page
    assert "framed" in page
    checked = await command("check", "downloaded_sites")
    assert (checked.status, checked.err) == (0, [])


async def test_what_pages_need_is_asked_for_once_however_they_are_to_be(
    site: Site, command: Command
) -> None:
    small_site(site)
    arguments = (site.url("/a.html"), site.url("/b.html"))
    folder = command.folder / "downloaded_sites"
    assert (await command("--single-file", *arguments)).status == 0
    single = (folder / site.folder / "a.html").read_bytes()
    site.requests.clear()
    assert (await command("--single-file", *arguments)).status == 0
    assert (folder / site.folder / "a.html").read_bytes() == single

    assert (await command("-m", *arguments)).status == 0
    names = {f"{site.folder}/{name}" for name in ("a.html", "b.html", "f.html", "s.css", "i.gif")}
    assert saved_files(folder) == names
    assert "<img src=i.gif>" in (folder / site.folder / "a.html").read_text()

    assert (await command("--single-file", *arguments)).status == 0
    assert saved_files(folder) == {f"{site.folder}/a.html", f"{site.folder}/b.html"}
    assert (folder / site.folder / "a.html").read_bytes() == single
    assert {request.path for request in site.requests} <= {"/favicon.ico"}


async def test_what_is_too_large_to_be_within_is_said(site: Site, command: Command) -> None:
    site.pages = {"/": "<img src=big.gif>", "/big.gif": bytes(17 * 1024 * 1024)}
    ran = await command("--single-file", site.url())
    assert ran.status == 0
    said = "\n".join(ran.err)
    assert f"{site.folder}.html is without " in said
    assert "big.gif" in said
    page = (command.folder / "downloaded_sites" / f"{site.folder}.html").read_text()
    assert page == f"<img src={site.url('/big.gif')}>"


async def test_no_more_than_one_page_is_held_at_once(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_site(site)
    published = []

    async def noted(
        new: Sequence[DocumentUpdate],
        storage: Storage,
        notes: AsyncJournal,
        warn: Callable[[str], None],
    ) -> None:
        published.append([each.saved.path for each in new])
        await publish_updates(new, storage, notes, warn)

    monkeypatch.setattr("downloader.mirror.single_file_writer.publish_updates", noted)
    pages = [site.url("/a.html"), site.url("/b.html")]
    await fetch(pages, tmp_path, Options(mirror=True, single_file=True))
    assert published == [[f"{site.folder}/a.html"], [f"{site.folder}/b.html"]]


async def test_who_goes_while_a_page_is_made_is_not_held_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_site(site)
    reading = asyncio.Event()
    stored = AsyncJournal.document

    async def slow(notes: AsyncJournal, row: int) -> SavedDocument:
        reading.set()
        await asyncio.sleep(0)
        return await stored(notes, row)

    monkeypatch.setattr(AsyncJournal, "document", slow)
    options = Options(mirror=True, single_file=True)
    run = asyncio.create_task(fetch([site.url("/a.html")], tmp_path, options))
    await reading.wait()
    run.cancel()
    await asyncio.wait([run], timeout=30)
    assert run.cancelled()


@pytest.mark.slow
async def test_a_plain_download_of_what_was_withdrawn_puts_it_into_the_folder(
    site: Site, command: Command
) -> None:
    small_site(site)
    folder = command.folder / "downloaded_sites"
    assert (await command("--single-file", site.url("/a.html"))).status == 0
    assert not (folder / site.folder / "i.gif").exists()
    ran = await command(site.url("/i.gif"))
    assert ran.out[0].startswith("Downloaded"), ran
    assert (folder / site.folder / "i.gif").read_bytes() == PIXEL
    assert (await command("--single-file", site.url("/a.html"))).status == 0
    assert saved_files(folder) == {f"{site.folder}/a.html"}
