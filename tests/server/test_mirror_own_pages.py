"""What a mirror ends with: a page to open, a list of its pages, and one for missing pages."""

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Options
from downloader.mirror import own_pages
from tests.support.command import Command
from tests.support.library import fetch
from tests.support.web_server import Site

WHOLE = Options(mirror=True, level=3, robots=False, index=True, missing_page=True)


def text(folder: Path, path: str) -> str:
    return (folder / path).read_text(encoding="utf-8")


async def test_a_mirror_has_a_list_of_its_pages_and_a_page_for_missing_ones(
    site: Site, tmp_path: Path
) -> None:
    site.pages |= {
        "/": '<title>Home &amp; more</title><a href="/b/c">c</a><a href="/gone">g</a>',
        "/b/c": '<title>C</title><a href="/gone#part">g</a><img src="/gone.png">',
    }
    await fetch([site.url("/")], tmp_path, WHOLE)
    index = text(tmp_path, "index.html")
    assert f'<a href="{site.folder}.html">Home &amp; more</a>' in index
    assert f'<a href="{site.folder}/b/c.html">C</a>' in index
    assert index.count("<h2>") == 1
    page = text(tmp_path, f"{site.folder}/b/c.html")
    assert f'href="../../missing.html#{site.url("/gone")}"' in page
    # What a page needs is not replaced by a page.
    assert f'src="{site.url("/gone.png")}"' in page
    assert "did not exist" in text(tmp_path, "missing.html")
    # The same run again changes nothing; a page that exists now is linked and listed.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.html")}
    await fetch([site.url("/")], tmp_path, WHOLE)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.html")} == before
    site.pages["/gone"] = "<title>Found</title>"
    await fetch([site.url("/")], tmp_path, WHOLE)
    assert 'href="../gone.html#part"' in text(tmp_path, f"{site.folder}/b/c.html")
    assert f'<a href="{site.folder}/gone.html">Found</a>' in text(tmp_path, "index.html")
    # Without the options, links lead to the web again, and a removed list is not made.
    del site.pages["/b/c"]
    site.pages["/"] = '<title>New</title><a href="/lost">g</a>'
    without = replace(WHOLE, index=False, missing_page=False, refresh=True)
    await fetch([site.url("/")], tmp_path, without)
    assert site.url("/lost") in text(tmp_path, f"{site.folder}.html")
    await fetch([site.url("/")], tmp_path, replace(WHOLE, refresh=True))
    assert "missing.html#" in text(tmp_path, f"{site.folder}.html")
    assert not list(tmp_path.glob("*~*"))


async def test_a_repeated_run_notices_a_page_that_has_gone(site: Site, tmp_path: Path) -> None:
    async def forbidden(_: web.Request) -> web.StreamResponse:
        raise web.HTTPForbidden

    site.pages |= {"/": '<title>a</title><a href="/b">b</a>', "/b": forbidden}
    await fetch([site.url("/")], tmp_path, WHOLE)
    assert f'href="{site.url("/b")}"' in text(tmp_path, f"{site.folder}.html")
    del site.pages["/b"]
    await fetch([site.url("/")], tmp_path, WHOLE)
    assert f'href="missing.html#{site.url("/b")}"' in text(tmp_path, f"{site.folder}.html")


async def test_no_url_takes_the_names_of_these_pages(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/": '<title>site</title><a href="/index~1.html">i</a><a href="/missing.html">m</a>',
        "/index~1.html": "<title>theirs</title>",
        "/missing.html": "<title>theirs</title>",
    }
    (tmp_path / "index~1.html").write_text("somebody's own")
    options = replace(WHOLE, host_directories=False)
    for _ in range(2):
        await fetch([site.url("/")], tmp_path, options)
        assert "<title>Saved pages" in text(tmp_path, "index~1.html")
        assert "<title>site" in text(tmp_path, "index.html")
        assert "<title>theirs" in text(tmp_path, "missing.html")
        assert "<title>This page" in text(tmp_path, "missing~1.html")
        (theirs,) = tmp_path.glob("index~1~*.html")
        assert "<title>theirs" in theirs.read_text()
        assert (tmp_path / "index~1.html.~1~").read_text() == "somebody's own"
        assert len(list(tmp_path.glob("*.~*~"))) == 1


async def test_start_pages_go_into_the_folders_of_their_hosts(
    site: Site, tmp_path: Path, command: Command
) -> None:
    site.pages |= {
        "/": '<title>a</title><a href="/?page=2">2</a><a href="/b.html">b</a>',
        "/?page=2": "<title>two</title>",
        "/b.html": '<title>b</title><a href="/">a</a>',
    }
    options = Options(mirror=True, level=2, robots=False)
    await fetch([site.url("/")], tmp_path, options)
    assert (tmp_path / f"{site.folder}.html").exists()
    # The option in a later run gives the page its new name; links follow.
    for _ in range(2):
        await fetch([site.url("/")], tmp_path, replace(options, host_folders=True))
        start = text(tmp_path, f"{site.folder}/index.html")
        assert 'href="index@page=2.html"' in start
        assert 'href="b.html"' in start
        assert 'href="index.html"' in text(tmp_path, f"{site.folder}/b.html")
    # Two folders with these names are merged into one with them.
    for name, page in (("one", "/"), ("two", "/b.html")):
        folder = tmp_path / name
        await fetch([site.url(page)], folder, Options(mirror=True, host_folders=True, index=True))
    ran = await command("merge", "one", "two", "-o", "merged")
    assert (ran.status, ran.err) == (0, [])
    assert "<title>a" in text(tmp_path, f"merged/{site.folder}/index.html")


async def test_a_long_list_of_pages_is_cut(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.mirror.own_page_writer.MAX_LISTED_PAGES", 3)
    site.pages |= {f"/{n}": f"<title>{n}</title>" for n in range(5)}
    await fetch([*map(site.url, site.pages)], tmp_path, replace(WHOLE, level=None))
    index = text(tmp_path, "index.html")
    assert index.count("<li>") == 3
    assert "2 more pages" in index
    assert own_pages.MAX_LISTED_PAGES == 50_000


async def test_a_mirror_ends_with_the_page_to_open(site: Site, command: Command) -> None:
    site.pages |= {"/": '<title>a</title><img src="/a.png">', "/b": "<title>b</title>"}
    addresses = [site.url("/"), site.url("/b")]
    for options, expected in (
        (["-m"], f"Open out/{site.folder}.html, or run: download serve out"),
        (["-m", "--index"], "Open out/index.html, or run: download serve out"),
        (["-m", "-q"], ""),
    ):
        process, terminal = await command.start_in_terminal(*addresses, "-o", "out", *options)
        shown = await asyncio.to_thread(read_all, terminal)
        await process.wait()
        lines = [line for line in re.split(r"[\r\n]+", shown) if "Open " in line]
        assert lines == ([expected] if expected else []), shown
    # Not where another program reads it.
    ran = await command(*addresses, "-m", "-o", "out")
    assert not any("Open " in line for line in ran.out)
    ran = await command(*addresses, "--index")
    assert ran.err[-1] == "Error: --index needs --mirror or --recursive"
    ran = await command(*addresses, "--host-folders", "-nH")
    assert ran.err[-1] == "Error: --host-folders and -nH cannot be combined"


def read_all(terminal: int) -> str:
    data = b""
    try:
        while piece := os.read(terminal, 65536):
            data += piece
    except OSError:
        # The other end of a pseudo-terminal was closed.
        pass
    os.close(terminal)
    return data.decode()
