"""``download serve``: what it answers, to whom, and what it never sends."""

import asyncio
import gzip
import os
import re
import shutil
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
import yarl
from aiohttp import web
from multidict import CIMultiDictProxy

from downloader import Options
from downloader.serve import SavedArchive, SavedFolder, SavedReport
from downloader.serve.site_names import SiteNames, label_of
from tests.support.command import Command
from tests.support.handlers import sends
from tests.support.library import fetch
from tests.support.served_sites import ServedSites, served_sites
from tests.support.small_disk import SmallDisk
from tests.support.web_server import Handler, Site

PAGE = '<!doctype html><title>{0}</title><a href="/sub/">{0}</a><a href="/lost">l</a>'


@asynccontextmanager
async def browser(sites: ServedSites) -> AsyncIterator["Browser"]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Browser(session, sites)


class Browser:
    """Asks a server for names below localhost, as browsers do without a name server."""

    def __init__(self, session: aiohttp.ClientSession, sites: ServedSites) -> None:
        self._session = session
        self.sites = sites

    async def get(
        self, url: str, *, host: str = "", method: str = "GET", **headers: str
    ) -> tuple[int, CIMultiDictProxy[str], str]:
        """Return status, header fields and body of the answer to one request."""
        parts = url.split("/", 3)
        address = f"http://127.0.0.1:{self.sites.port}/{parts[3]}"
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(
            method,
            yarl.URL(address, encoded=True),
            headers={"Host": host or parts[2]} | fields,
            allow_redirects=False,
        ) as response:
            return (
                response.status,
                response.headers,
                (await response.read()).decode("latin-1"),
            )

    async def saved(self, url: str, **headers: str) -> tuple[int, CIMultiDictProxy[str], str]:
        """Return the answer for a saved URL."""
        return await self.get(self.sites.address(url), **headers)

    async def titles_read(self) -> None:
        """Wait until the titles of all pages are known."""
        while "not read yet" in (await self.get(f"{self.sites.home}?q=x"))[2]:
            pass

    async def followed(self, url: str) -> str:
        """Return the body at an address of this server, after redirects."""
        for _ in range(5):
            status, fields, body = await self.get(url)
            if status != 302:
                assert status == 200, (url, status)
                return body
            url = fields["Location"]
        raise AssertionError("too many redirects")


@pytest.fixture
async def mirrored_folder(site: Site, tmp_path: Path) -> Path:
    """Return a folder with a mirror of a small site."""
    site.pages |= {
        "/": PAGE.format("Home")
        + '<link rel=stylesheet href="/style.css?v=1"><a href="/old">o</a>',
        "/robots.txt": sends(b"User-agent: *\nDisallow: /secret", {"Content-Type": "text/plain"}),
        "/sub/": PAGE.format("Sub") + '<a href="/secret/x">x</a><a href="/a?b=c">q</a>',
        "/style.css?v=1": sends(b"p { color: red }", {"Content-Type": "text/css"}),
        "/a?b=c": sends(
            "<title>\u00e4</title>".encode("latin-1"),
            {"Content-Type": "text/html; charset=iso-8859-1"},
        ),
        "/data.json": sends(b'{"a": 1}', {"Content-Type": "application/json"}),
        "/old": moved("/sub/"),
        "/video": sends(bytes(range(256)) * 1000, {"Content-Type": "video/mp4"}),
    }
    folder = tmp_path / "out"
    addresses = [*map(site.url, ["/", "/data.json", "/video", "/lost"])]
    await fetch(addresses, folder, Options(mirror=True, level=3, robots=True))
    return folder


def moved(to: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPMovedPermanently(to)

    return answer


async def test_a_mirror_is_served_at_the_roots_of_its_sites(
    site: Site, mirrored_folder: Path
) -> None:
    async with served_sites(SavedFolder(mirrored_folder)) as sites, browser(sites) as opened:
        status, fields, body = await opened.saved(site.url("/"))
        assert (status, "<title>Home</title>" in body) == (200, True)
        assert fields["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'self' http://*.localhost" in fields["Content-Security-Policy"]
        root = sites.address(site.url("/"))
        # The links of the file, which is beside the folder of its host.
        assert "<title>Sub</title>" in await opened.followed(f"{root}{site.folder}/sub/index.html")
        assert "color" in await opened.followed(f"{root}{site.folder}/style@v=1.css")
        # Paths of the original site.
        for path, expected in {
            "/sub/": "<title>Sub",
            "/sub": "<title>Sub",
            "/old": "<title>Sub",
            "/style.css?v=1": "color",
            "/data.json": '"a"',
            "/data.json?_=12345": '"a"',
            "/a?b=c": "\u00e4",
        }.items():
            assert expected in await opened.followed(sites.address(site.url(path))), path
        _, fields, _ = await opened.get(f"{root}a@b=c.html")
        assert fields["Content-Type"] == "text/html; charset=windows-1252"


async def test_an_address_that_is_not_saved_says_why(site: Site, mirrored_folder: Path) -> None:
    async with served_sites(SavedFolder(mirrored_folder)) as sites, browser(sites) as opened:
        for path, expected in {
            "/lost": "Failed:</strong> 404 Not Found (http-status)",
            "/secret/x": "Skipped:</strong> it was found, but not fetched",
            "/nothing": "Never seen.",
        }.items():
            status, fields, body = await opened.saved(site.url(path))
            assert (status, expected in body) == (404, True), (path, body)
            assert f'href="{site.url(path)}" rel="noreferrer noopener"' in body
            assert "script-src" not in fields["Content-Security-Policy"]
        (mirrored_folder / site.folder / "data.json").unlink()
        status, _, body = await opened.saved(site.url("/data.json"))
        assert (status, "The file is gone" in body) == (404, True)


async def test_ranges_validators_and_heads(site: Site, mirrored_folder: Path) -> None:
    video = site.url("/video")
    async with served_sites(SavedFolder(mirrored_folder)) as sites, browser(sites) as opened:
        status, fields, body = await opened.saved(video, method="HEAD")
        assert (status, fields["Content-Length"], body) == (200, "256000", "")
        assert (fields["Content-Type"], fields["Accept-Ranges"]) == ("video/mp4", "bytes")
        etag, modified = fields["ETag"], fields["Last-Modified"]
        for wanted, status, length, sent in (
            ("bytes=0-0", 206, 1, "bytes 0-0/256000"),
            ("bytes=255990-", 206, 10, "bytes 255990-255999/256000"),
            ("bytes=-5", 206, 5, "bytes 255995-255999/256000"),
            ("bytes=100-99999999", 206, 255900, "bytes 100-255999/256000"),
            ("bytes=256000-", 416, 0, "bytes */256000"),
            ("bytes=0-1,5-6", 200, 256000, None),
            ("pages=1", 200, 256000, None),
        ):
            found, fields, body = await opened.saved(video, Range=wanted)
            assert (found, len(body), fields.get("Content-Range")) == (status, length, sent), wanted
        for condition, status in (
            ({"If_Range": etag}, 206),
            ({"If_Range": '"other"'}, 200),
            ({"If_Range": modified}, 206),
            ({"If_Range": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200),
        ):
            found, _, _ = await opened.saved(video, Range="bytes=0-0", **condition)
            assert found == status, condition
        for condition, status in (
            ({"If_None_Match": etag}, 304),
            ({"If_None_Match": '"other"'}, 200),
            ({"If_Modified_Since": modified}, 304),
            ({"If_Modified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200),
        ):
            found, _, _ = await opened.saved(video, **condition)
            assert found == status, condition
        found, _, _ = await opened.saved(video, method="POST")
        assert found == 405


async def test_only_names_of_this_server_are_answered(site: Site, mirrored_folder: Path) -> None:
    async with served_sites(SavedFolder(mirrored_folder)) as sites, browser(sites) as opened:
        for host, status in {
            f"localhost:{sites.port}": 200,
            f"127.0.0.1:{sites.port}": 200,
            f"[::1]:{sites.port}": 200,
            f"LOCALHOST:{sites.port}": 200,
            sites.host_of(site.url()): 200,
            f"unknown.localhost:{sites.port}": 421,
            # A page that makes its name resolve to this machine (DNS rebinding).
            f"attacker.example:{sites.port}": 421,
            "notlocalhost": 421,
            "localhost.attacker.example": 421,
            "localhost:port": 421,
        }.items():
            assert (await opened.get("http://x/", host=host))[0] == status, host
        found, _, _ = await opened.saved(site.url("/data.json"), Service_Worker="script")
        assert found == 404


async def test_nothing_outside_the_folder_is_sent(
    site: Site, mirrored_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "passwd").write_text("secret of the machine")
    saved = mirrored_folder / site.folder
    (saved / "link.html").symlink_to(tmp_path / "passwd")
    (saved / "folder").symlink_to(tmp_path)
    (saved / "data.json").unlink()
    (saved / "data.json").symlink_to(tmp_path / "passwd")
    os.mkfifo(saved / "pipe.html")
    (saved / "half.html.part").write_text("secret half")
    async with served_sites(SavedFolder(mirrored_folder)) as sites, browser(sites) as opened:
        for path in (
            *("link.html", "folder/passwd", "data.json", "pipe.html", "half.html.part"),
            *("../passwd", "..%2fpasswd", "%2e%2e/passwd", "sub/../../../passwd", "..%5cpasswd"),
            *("%2Fetc/passwd", "//etc/passwd", "index.html%00", "sub%2findex.html", "%"),
            *(".download/journal.sqlite3", "%2edownload/journal.sqlite3", "%C3%A9" * 50),
            *(f"{site.folder}/link.html", f"{site.folder}/../.download/journal.sqlite3"),
        ):
            status, _, body = await opened.get(f"{sites.address(site.url('/'))}{path}")
            assert (status, "secret" in body, "SQLite" in body) == (404, False, False), path


async def test_pages_of_another_site_are_opened_at_its_own_root(site: Site, tmp_path: Path) -> None:
    other = f"http://localhost:{site.server.port}"
    site.pages |= {
        "/": f'<title>one</title><img src="{other}/i.svg"><a href="{other}/page">p</a>',
        "/page": "<title>two</title>",
        "/i.svg": sends(
            b"<svg xmlns='http://www.w3.org/2000/svg'/>", {"Content-Type": "image/svg+xml"}
        ),
    }
    listed = [site.url("/"), f"{other}/", f"{other}/page"]
    await fetch(listed, tmp_path / "out", Options(mirror=True))
    async with served_sites(SavedFolder(tmp_path / "out")) as sites, browser(sites) as opened:
        root = sites.address(site.url("/"))
        status, fields, _ = await opened.get(f"{root}localhost_{site.server.port}/page.html")
        assert (status, fields["Location"]) == (302, sites.address(f"{other}/page.html"))
        status, fields, _ = await opened.get(f"{root}localhost_{site.server.port}.html")
        assert (status, fields["Location"]) == (302, sites.address(f"{other}/"))
        status, fields, _ = await opened.get(f"{root}localhost_{site.server.port}/i.svg")
        assert (status, fields["Content-Security-Policy"][:8]) == (200, "sandbox;")
        status, fields, _ = await opened.get(sites.address(f"{other}/i.svg"))
        assert "sandbox" not in fields["Content-Security-Policy"]


@pytest.mark.parametrize("naming", [{"host_directories": False}, {"cut_dirs": 1}])
async def test_other_names_of_files_are_served_at_the_same_addresses(
    site: Site, tmp_path: Path, naming: dict[str, int]
) -> None:
    site.pages |= {
        "/": '<title>one</title><a href="/a/b/c.html">c</a>',
        "/a/b/c.html": '<title>two</title><link rel=stylesheet href="/a/d.css">',
        "/a/d.css": sends(b"p {}", {"Content-Type": "text/css"}),
    }
    options = Options(mirror=True, level=1, robots=False, **naming)  # type: ignore[arg-type]
    await fetch([site.url("/")], tmp_path / "out", options)
    async with served_sites(SavedFolder(tmp_path / "out")) as sites, browser(sites) as opened:
        for path, expected in {"/": "one", "/a/b/c.html": "two", "/a/d.css": "p {}"}.items():
            assert expected in await opened.followed(sites.address(site.url(path)))


async def test_pages_of_a_list_are_linked_when_they_are_sent(site: Site, tmp_path: Path) -> None:
    other = f"http://localhost:{site.server.port}"
    site.pages |= {
        "/": f'<title>one</title><link rel=stylesheet integrity=x href="{other}/s.css">'
        f'<a href="{other}/page?q=1#part">p</a><a href="old">o</a><a href="{other}/none">n</a>',
        "/page?q=1": "<title>two</title>",
        "/s.css": sends(b"p { background: url(/i.png) }", {"Content-Type": "text/css"}),
        "/i.png": sends(b"\x89PNG", {"Content-Type": "image/png"}),
        "/old": moved("/new/"),
        "/new/": '<title>new</title><a href="../page?q=1">p</a><a href="/">home</a>',
    }
    listed = [site.url("/"), site.url("/old"), f"{other}/page?q=1", f"{other}/s.css"]
    await fetch([*listed, f"{other}/i.png"], tmp_path / "out", Options())
    async with served_sites(SavedFolder(tmp_path / "out")) as sites, browser(sites) as opened:
        status, fields, body = await opened.saved(site.url("/"))
        assert status == 200
        folder = f"localhost_{site.server.port}"
        assert f'href="/{folder}/s.css"' in body
        assert "integrity" not in body
        assert f'href="{sites.address(f"{other}/page@q=1.html")}#part"' in body
        assert f'href="{sites.address(site.url("/old.html"))}"' in body
        assert f'href="{other}/none"' in body
        again, _, _ = await opened.saved(site.url("/"), If_None_Match=fields["ETag"])
        assert again == 304
        # What a style sheet of another site needs is beside it, also when this site uses it.
        _, _, body = await opened.get(f"{sites.address(site.url('/'))}{folder}/s.css")
        assert f"url(/{folder}/i.png)" in body
        _, _, body = await opened.get(sites.address(f"{other}/s.css"))
        assert f"url({sites.address(f'{other}/i.png')})" in body
        # Links of a page that redirects led to are those of where it came from.
        body = await opened.followed(sites.address(site.url("/new/")))
        assert f'href="{sites.address(site.url("/"))}"' in body


async def test_the_home_page_lists_searches_and_pages(site: Site, tmp_path: Path) -> None:
    site.pages |= {f"/p/{n}": f"<title>Page &lt;{n}&gt;</title>" for n in range(120)}
    addresses = [*map(site.url, [*site.pages, "/lost"])]
    await fetch(addresses, tmp_path / "out", Options())
    async with served_sites(SavedFolder(tmp_path / "out")) as sites, browser(sites) as opened:
        await opened.titles_read()
        _, _, body = await opened.get(sites.home)
        assert "120 pages" in body
        assert "1\N{EN DASH}50 of 120".encode().decode("latin-1") in body
        assert f'<a href="{sites.address(site.url("/p/0.html"))}">Page &lt;0&gt;</a>' in body
        _, _, body = await opened.get(f"{sites.home}?start=100")
        assert "101\N{EN DASH}120 of 120".encode().decode("latin-1") in body
        _, _, body = await opened.get(f"{sites.home}?q=PAGE+%3C11")
        assert "1\N{EN DASH}11 of 11".encode().decode("latin-1") in body
        _, _, body = await opened.get(f"{sites.home}?q=%25_!%22%27&show=files&start=9e9&site=%00")
        assert "None" in body
        _, _, body = await opened.get(f"{sites.home}?show=failed")
        assert "404 Not Found (http-status)" in body
        status, fields, body = await opened.get(f"{sites.home}report")
        assert (status, "121 URLs of 1 host" in body) == (200, True)
        assert fields["Content-Type"] == "text/html; charset=utf-8"
        assert (await opened.get(f"{sites.home}nothing"))[0] == 404


async def test_a_report_and_a_folder_without_a_journal(
    site: Site, mirrored_folder: Path, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/robots.txt": "", "/x": "<title>x</title>"}
    await command(*map(site.url, ["/x", "/lost"]), "-o", "saved", "--report=r.jsonl")
    content = SavedReport(tmp_path / "r.jsonl", tmp_path / "saved")
    async with served_sites(content) as sites, browser(sites) as opened:
        assert "<title>x" in await opened.followed(sites.address(site.url("/x")))
        _, _, body = await opened.saved(site.url("/lost"))
        assert "404 Not Found (http-status)" in body
        assert "2 URLs" in (await opened.get(f"{sites.home}report"))[2]
    shutil.rmtree(mirrored_folder / ".download")
    async with served_sites(SavedFolder(mirrored_folder)) as sites, browser(sites) as opened:
        root = f"http://files.localhost:{sites.port}"
        assert "<title>Home" in await opened.followed(f"{root}/{site.folder}.html")
        assert "<title>Sub" in await opened.followed(f"{root}/{site.folder}/sub")
        assert f"{site.folder}.html" in (await opened.get(sites.home))[2]


async def test_an_archive_is_served_at_the_roots_of_its_sites(site: Site, tmp_path: Path) -> None:
    page = PAGE.format("Home") + f'<a href="{site.url("/old")}#part">o</a><a href="http://x.test/">'
    site.pages |= {
        "/": sends(
            gzip.compress(page.encode()), {"Content-Type": "text/html", "Content-Encoding": "gzip"}
        ),
        "/sub/": PAGE.format("Sub"),
        "/old": moved("/sub/"),
        "/video": sends(
            bytes(100_000),
            {
                "Content-Type": "video/mp4",
                "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
                "Access-Control-Allow-Origin": "http://private.example",
            },
        ),
    }
    archive = tmp_path / "site.warc.gz"
    addresses = [*map(site.url, ["/", "/video", "/lost"])]
    options = Options(save=False, warc=archive)
    await fetch([*addresses, site.url("/old")], tmp_path / "out", options)
    async with served_sites(SavedArchive((archive,))) as sites, browser(sites) as opened:
        status, fields, body = await opened.saved(site.url("/"))
        assert (status, fields["Content-Type"]) == (200, "text/html")
        assert f'href="{sites.address(site.url("/old"))}#part"' in body
        assert 'href="http://x.test/"' in body
        assert "<title>Sub" in await opened.followed(sites.address(site.url("/old")))
        status, fields, body = await opened.saved(site.url("/video"), Range="bytes=10-19")
        assert (status, len(body), fields["Content-Range"]) == (206, 10, "bytes 10-19/100000")
        assert fields["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
        # What its server shared is shared with the sites of this server.
        own = f"http://other.example.localhost:{sites.port}"
        for origin, allowed in {
            own: own,
            "https://attacker.example": None,
            "http://attacker.example": None,
            sites.home.rstrip("/"): None,
        }.items():
            _, fields, _ = await opened.saved(site.url("/video"), Origin=origin)
            assert fields.get("Access-Control-Allow-Origin") == allowed, origin
        assert (await opened.saved(site.url("/lost")))[0] == 404
        status, _, body = await opened.saved(site.url("/nothing"))
        assert (status, "Never seen" in body) == (404, True)
        await opened.titles_read()
        _, _, body = await opened.get(sites.home)
        assert (">Home</a>" in body, ">Sub</a>" in body) == (True, True)
    # An archive that goes away meanwhile is no defect of this program.
    content = SavedArchive((archive,))
    data = archive.read_bytes()
    async with served_sites(content) as sites, browser(sites) as opened:
        await opened.titles_read()
        archive.unlink()
        status, _, body = await opened.saved(site.url("/"))
        assert (status, "cannot be shown" in body) == (404, True)
    archive.write_bytes(data)
    # What comes before the damage is served.
    archive.write_bytes(archive.read_bytes() + b"WARC/damage")
    content = SavedArchive((archive,))
    assert "damaged" in content.warnings[0]
    async with served_sites(content) as sites, browser(sites) as opened:
        assert (await opened.saved(site.url("/")))[0] == 200
        assert "damaged" in (await opened.get(sites.home))[2]


async def test_volumes_are_served_together(site: Site, command: Command) -> None:
    site.pages |= {"/": "<title>one</title>", "/2": "<title>two</title>"}
    addresses = [*map(site.url, site.pages)]
    await command(*addresses, "--pack", "warc", "-o", "pack")
    await command(addresses[0], "--no-save", "--warc", "1.warc.gz")
    await command(addresses[1], "--no-save", "--warc", "2.warc.gz")
    for sources in (["pack"], ["1.warc.gz", "2.warc.gz"]):
        process = await command.start("serve", *sources, "--port=0", "-q")
        assert process.stdout is not None
        home = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        async with browser(ServedSites(home)) as opened:
            assert "<title>one" in (await opened.saved(addresses[0]))[2]
            assert "<title>two" in (await opened.saved(addresses[1]))[2]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    ran = await command("serve", "1.warc.gz", "pack")
    assert (ran.status, ran.err) == (2, ["download: of several SOURCEs, all must be web archives"])


async def test_the_command_serves_until_it_is_interrupted(
    site: Site, mirrored_folder: Path, command: Command
) -> None:
    process = await command.start("serve", mirrored_folder, "--port", "0")
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    assert line == f"Serving {mirrored_folder}: 3 pages, 6 files (Ctrl-C to stop)\n"
    home = (await process.stdout.readline()).decode().strip()
    async with browser(ServedSites(home)) as opened:
        assert (await opened.get(home))[0] == 200
        assert "<title>Home" in (await opened.saved(site.url("/")))[2]
    port = home.rpartition(":")[2].strip("/")
    ran = await command("serve", mirrored_folder, "--port", port)
    assert (ran.status, ran.err) == (
        2,
        [f"download: port {port} of 127.0.0.1 is in use; choose another --port; 0 is any free one"],
    )
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert process.stderr is not None
    assert await process.stderr.read() == b""


async def test_what_cannot_be_served_is_said_in_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>")
    (tmp_path / "a.warc.gz").write_bytes(b"WARC/1.0\r\nnothing")
    (tmp_path / "a.wacz").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "r.jsonl").write_text("nothing\n")
    (tmp_path / "broken" / ".download").mkdir(parents=True)
    (tmp_path / "broken" / ".download" / "journal.sqlite3").write_bytes(b"nothing" * 1000)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".download").symlink_to(tmp_path / "broken" / ".download")
    for source, said in {
        "page.html": "cannot serve page.html; .html reports need no server",
        "a.warc.gz": "a.warc.gz",
        "a.wacz": "a.wacz is not a WACZ",
        "r.jsonl": "cannot read the folder downloaded_sites: No such file or directory",
        "broken": "the journal broken/.download/journal.sqlite3 is broken",
        "linked": "linked/.download is a symbolic link; remove it",
    }.items():
        ran = await command("serve", source, "--port", "0")
        assert (ran.status, len(ran.err)) == (2, 1), (source, ran.err)
        assert ran.err[0].startswith("download: "), ran.err
        assert said in ran.err[0], ran.err
    ran = await command("serve", "broken", "--bind", "example.org")
    assert (ran.status, ran.err[-1]) == (
        2,
        "Error: Invalid value for '--bind': 'example.org' is not an IP address",
    )


@pytest.mark.parametrize(
    ("domain", "field", "requested"),
    [
        ("localhost", "docs.python.org.localhost:8000", ("docs.python.org", ":8000")),
        ("localhost", "127.0.0.1_81.localhost", ("127.0.0.1_81", "")),
        ("localhost", "[::1]:80", ("", ":80")),
        ("localhost", "192.0.2.7", ("", "")),
        ("saved.example.org", "Saved.Example.org", ("", "")),
        ("saved.example.org", "a.test.saved.example.org:1", ("a.test", ":1")),
        ("saved.example.org", "localhost:8000", ("", ":8000")),
        ("localhost", "xlocalhost", None),
        ("localhost", "localhost.example.org", None),
        ("localhost", "", None),
        ("localhost", "a b.localhost", None),
    ],
)
def test_a_host_field_names_a_site_the_home_page_or_nothing(
    domain: str, field: str, requested: tuple[str, str] | None
) -> None:
    found = SiteNames(domain).requested(field)
    assert (found and (found.label, found.port)) == requested


def test_every_host_has_a_name_that_browsers_take() -> None:
    assert label_of("docs.python.org") == "docs.python.org"
    assert label_of("[fe80::1]:8080") == "fe80__1_8080"
    for host in ("a..b", "-", "x" * 300, "\u00e4.example", "a b", "<script>"):
        assert re.fullmatch("site-[0-9a-f]{10}", label_of(host)), host
    assert label_of("a_80") != label_of("a_80", is_taken=True)


async def test_both_addresses_of_loopback_are_taken(tmp_path: Path) -> None:
    """A browser may look for a name below localhost at either of them."""
    (tmp_path / "a.html").write_text("<p>")
    async with served_sites(SavedFolder(tmp_path)) as sites:
        for address in ("127.0.0.1", "::1") if socket.has_ipv6 else ("127.0.0.1",):
            _, writer = await asyncio.open_connection(address, sites.port)
            writer.close()


async def test_a_journal_that_somebody_made_up_harms_nothing(site: Site, tmp_path: Path) -> None:
    site.pages |= {f"/{n}": "<title>x</title>" for n in range(6)}
    folder = tmp_path / "out"
    await fetch([*map(site.url, site.pages)], folder, Options())
    (tmp_path / "secret.html").write_text("secret")
    with closing(sqlite3.connect(folder / ".download" / "journal.sqlite3")) as db:
        for row, column, value in (
            (1, "path", "../secret.html"),
            (2, "path", str(tmp_path / "secret.html")),
            (3, "media_type", "text/html\r\nSet-Cookie: a=b"),
            (4, "url", "http:///\x00<script>alert(1)</script>"),
            (5, "url", "httpx"),
            (6, "final_url", "http://x\r\nA: b/"),
            (6, "finished", 1e300),
        ):
            db.execute(f"UPDATE urls SET {column} = ? WHERE id = ?", (value, row))
        db.execute("UPDATE urls SET state = 3, final_url = url WHERE id = 6")
        db.commit()
    async with served_sites(SavedFolder(folder)) as sites, browser(sites) as opened:
        await opened.titles_read()
        for number in range(6):
            status, fields, body = await opened.saved(site.url(f"/{number}"))
            assert (status < 500, "secret" in body) == (True, False), number
            assert "Set-Cookie" not in fields
        for query in ("", "?show=files", "?show=skipped", "?q=script", "?start=999"):
            status, _, body = await opened.get(f"{sites.home}{query}")
            assert (status, "<script>" in body) == (200, False)
        assert (await opened.get(f"{sites.home}report"))[0] == 200


async def test_names_that_are_not_utf8_are_served(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.html")).write_text("<title>latin</title>")
    (tmp_path / "a:b%.html").write_text("<title>colon</title>")
    async with served_sites(SavedFolder(tmp_path)) as sites, browser(sites) as opened:
        root = f"http://files.localhost:{sites.port}"
        assert "latin" in await opened.followed(f"{root}/caf%E9.html")
        assert "colon" in await opened.followed(f"{root}/a:b%25.html")
        status, _, body = await opened.get(f"{sites.home}?q=%E9")
        assert (status, "1 page" in body) == (200, True)


async def test_a_folder_on_a_read_only_disk_is_served(site: Site, disk: SmallDisk) -> None:
    site.pages["/"] = "<title>x</title>"
    folder = disk.folder / "out"
    await fetch([site.url("/")], folder, Options())
    disk.remount("ro")
    async with served_sites(SavedFolder(folder)) as sites, browser(sites) as opened:
        assert "<title>x" in await opened.followed(sites.address(site.url("/")))
