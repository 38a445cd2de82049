"""Links are followed as far as they were asked for, and as their sites allow."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Failed, Options, Outcome, Skipped
from downloader.errors import ErrorKind
from downloader.mirror.scope import RobotsCache, RobotsRules
from downloader.models import SkipReason
from downloader.web.urls import Url
from tests.support.clock import FakeClock
from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.library import fetch
from tests.support.web_server import Handler, Site


def links(*addresses: str) -> str:
    return "".join(f"<a href='{address}'>link</a>" for address in addresses)


def says(text: str, status: int = 200) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type="text/plain")

    return answer


def asked(site: Site) -> list[str]:
    """Return which pages were asked for, in the order of their names."""
    paths = sorted(request.path_qs for request in site.requests)
    return [path for path in paths if path not in ("/favicon.ico", "/robots.txt")]


def by_path(site: Site, outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {outcome.url.removeprefix(site.url("")): outcome for outcome in outcomes}


async def test_what_robots_txt_disallows_is_left_out_and_said(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/robots.txt": says("User-agent: *\nDisallow: /private/\n\nUser-agent: other\nDisallow: /"),
        "/": links("/private/a.html", "/b.html"),
        "/b.html": links("/private/c.html") + "<img src=/private/needed.gif>",
        "/private/needed.gif": b"GIF89a",
    }
    outcomes = by_path(site, await fetch([site.url()], tmp_path, Options(level=3)))
    assert asked(site) == ["/", "/b.html", "/private/needed.gif"]
    assert [r.path for r in site.requests].count("/robots.txt") == 1
    for path in ("/private/a.html", "/private/c.html"):
        outcome = outcomes[path]
        assert isinstance(outcome, Skipped)
        assert outcome.reason is SkipReason.ROBOTS
        assert "robots.txt disallows it" in outcome.detail
    page = (tmp_path / f"{site.folder}.html").read_text()
    assert page == links(site.url("/private/a.html"), f"{site.folder}/b.html")


async def test_no_robots_asks_for_everything(site: Site, command: Command) -> None:
    site.pages = {
        "/robots.txt": says("User-agent: *\nDisallow: /"),
        "/": links("/b.html") + "<a rel=nofollow href=c.html>c</a>",
        "/b.html": "b",
        "/c.html": "c",
    }
    ran = await command("-r", "--no-robots", site.url())
    assert ran.status == 0
    assert asked(site) == ["/", "/b.html", "/c.html"]
    assert "/robots.txt" not in [request.path for request in site.requests]


async def test_the_lines_of_the_list_are_fetched_whatever_robots_txt_says(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/robots.txt": says("User-agent: *\nDisallow: /"), "/": "page"}
    (outcome,) = await fetch([site.url()], tmp_path, Options(level=1))
    assert isinstance(outcome, Downloaded)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_without_a_robots_txt_everything_is_allowed(
    site: Site, tmp_path: Path, status: int
) -> None:
    site.pages = {"/robots.txt": says("no", status), "/": links("/b.html"), "/b.html": "b"}
    await fetch([site.url()], tmp_path, Options(level=1))
    assert asked(site) == ["/", "/b.html"]


async def test_a_site_that_cannot_say_what_it_allows_is_not_followed(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/robots.txt": says("down", 503), "/": links("/b.html"), "/b.html": "b"}
    outcomes = await fetch([site.url()], tmp_path, Options(level=1, retries=2), FakeClock())
    failed = by_path(site, outcomes)["/b.html"]
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.parent) == (ErrorKind.ROBOTS, site.url())
    assert "503" in failed.message
    assert "--no-robots" in failed.hint
    assert [request.path for request in site.requests].count("/robots.txt") == 3
    assert asked(site) == ["/"]


async def test_crawl_delay_is_kept_between_links_of_a_site(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/robots.txt": says("User-agent: *\nCrawl-delay: 7"),
        "/": links(*(f"/{number}.html" for number in range(5))),
        **{f"/{number}.html": "page" for number in range(5)},
    }
    clock = FakeClock()
    before = clock.now
    await fetch([site.url()], tmp_path, Options(level=1), clock)
    assert clock.now - before == pytest.approx(4 * 7)


async def test_no_parent_stays_in_the_folder_of_the_start(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/docs/guide/": links("a.html", "../other.html", "/", "sub/b.html"),
        "/docs/guide/a.html": "<img src=/logo.gif>",
        "/docs/guide/sub/b.html": links("../a.html", "../../up.html"),
        "/logo.gif": b"GIF89a",
    }
    options = Options(level=0, no_parent=True)
    await fetch([site.url("/docs/guide/")], tmp_path, options)
    assert asked(site) == [
        *("/docs/guide/", "/docs/guide/a.html", "/docs/guide/sub/b.html", "/logo.gif")
    ]


async def test_the_start_is_where_its_redirects_lead(site: Site, tmp_path: Path) -> None:
    async def moved(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://localhost:{site.server.port}/new/")

    site.pages = {"/old": moved, "/new/": links("a.html", "/above.html"), "/new/a.html": "a"}
    options = Options(level=2, no_parent=True)
    outcomes = await fetch([site.url("/old")], tmp_path, options)
    assert asked(site) == ["/new/", "/new/a.html", "/old"]
    assert len(outcomes) == 2


@pytest.mark.slow
async def test_accepting_pdf_reads_pages_for_their_links_and_keeps_none(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/": links("/more.html", "/a.pdf") + "<img src='/logo.gif'>",
        "/more.html": links("/b.pdf", "/c.zip", "/"),
        "/a.pdf": b"%PDF-a",
        "/b.pdf": b"%PDF-b",
    }
    arguments = ("-r", "--accept", "pdf", site.url("/more.html"), "-o", "out")
    ran = await command(*arguments)
    assert ran.status == 0, ran.err
    assert asked(site) == ["/", "/a.pdf", "/b.pdf", "/more.html"]
    folder = command.folder / "out"
    # What the list names is kept.
    wanted = {f"{site.folder}/{name}" for name in ("a.pdf", "b.pdf", "more.html")}
    assert saved_files(folder) == wanted
    # The page that was only read leads nowhere in the folder.
    kept = (folder / site.folder / "more.html").read_text()
    assert kept == links("b.pdf", site.url("/c.zip"), site.url("/"))
    assert f"out/.download/originals/{site.folder}.html: " in "\n".join(ran.out)
    # It is known to a second run, and to one without the option.
    site.requests.clear()
    assert (await command(*arguments)).status == 0
    assert asked(site) == []
    assert saved_files(folder) == wanted
    site.pages["/c.zip"] = b"PK"
    site.pages["/logo.gif"] = b"GIF89a"
    assert (await command("-r", site.url("/more.html"), "-o", "out")).status == 0
    assert asked(site) == ["/c.zip", "/logo.gif"]
    also = {f"{site.folder}/{name}" for name in ("c.zip", "logo.gif")} | {f"{site.folder}.html"}
    assert saved_files(folder) == wanted | also
    whole = (folder / f"{site.folder}.html").read_text()
    assert f"'{site.folder}/a.pdf'" in whole
    assert f"'{site.folder}/logo.gif'" in whole


async def test_what_is_rejected_is_not_asked_for(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": links("/api/x.html", "/b.html") + "<img src=/big.mp4><img src=/a.gif>",
        "/b.html": "b",
        "/a.gif": b"GIF89a",
    }
    options = Options(level=1, reject=("mp4,/api/*",))
    await fetch([site.url()], tmp_path, options)
    assert asked(site) == ["/", "/a.gif", "/b.html"]


@pytest.mark.parametrize("options", [Options(mirror=True), Options(level=1, robots=False)])
async def test_the_refresh_field_leads_on_like_the_element(
    site: Site, tmp_path: Path, options: Options
) -> None:
    async def moved(_: web.Request) -> web.StreamResponse:
        headers = {"Refresh": "0; url=/new"}
        return web.Response(text="<p>moved", content_type="text/html", headers=headers)

    site.pages = {"/": moved, "/new": "new"}
    await fetch([site.url()], tmp_path, options)
    assert "/new" in [request.path for request in site.requests]
    page = (tmp_path / f"{site.folder}.html").read_text()
    assert page == f'<meta http-equiv="refresh" content="0;url={site.folder}/new.html"><p>moved'
    # A run that fetches nothing again knows it still.
    await fetch([site.url()], tmp_path, options)
    assert (tmp_path / f"{site.folder}.html").read_text() == page


async def test_nofollow_in_a_field_for_us_is_respected(site: Site, tmp_path: Path) -> None:
    def tagged(value: str, to: str) -> Handler:
        async def answer(_: web.Request) -> web.StreamResponse:
            headers = {"X-Robots-Tag": value}
            return web.Response(text=links(to), content_type="text/html", headers=headers)

        return answer

    site.pages = {
        "/": tagged("otherbot: nofollow", "/b"),
        "/b": tagged("download-sites: noindex, nofollow", "/c"),
        "/d": "<meta name=download-sites content=nofollow>" + links("/e"),
    }
    await fetch([site.url(), site.url("/d")], tmp_path, Options(level=2))
    assert asked(site) == ["/", "/b", "/d"]


async def test_max_urls_bounds_what_is_found(site: Site, command: Command) -> None:
    site.pages = {f"/{n}.html": links(f"/{2 * n}.html", f"/{2 * n + 1}.html") for n in range(1, 99)}
    ran = await command("-l", "inf", "--max-urls", "10", site.url("/1.html"))
    assert ran.status == 0
    assert len(asked(site)) <= 11
    assert len(asked(site)) >= 10
    assert "--max-urls 10 is reached: more is not fetched" in "\n".join(ran.err)


async def test_a_crawl_that_stops_at_too_many_queries_says_where(
    site: Site, command: Command
) -> None:
    topics = [f"/topic.php?t={number}" for number in range(6)]
    site.pages = {
        "/": links(*topics, "/user.php?u=1", "/user.php?u=2"),
        **dict.fromkeys((*topics, "/user.php?u=1", "/user.php?u=2"), "page"),
    }
    ran = await command("-r", "--no-robots", "--max-queries", "2", site.url())
    assert len(asked(site)) == 5
    assert ran.status == 1
    where = site.url("/topic.php")
    said = f"download: {where}: only its first 2 queries are followed; see --max-queries"
    assert ran.err.count(said) == 1
    ran = await command("-r", "--no-robots", "--max-queries", "none", site.url())
    assert (ran.status, ran.err) == (0, [])
    assert set(topics) < set(asked(site))


async def test_a_forum_of_thousands_of_topics_is_fetched_whole(site: Site, tmp_path: Path) -> None:
    topics = [f"/topic.php?t={number}" for number in range(1300)]
    site.pages = {"/": links(*topics), **dict.fromkeys(topics, "topic")}
    outcomes = await fetch([site.url()], tmp_path, Options(level=1, robots=False))
    assert len(outcomes) == 1301


async def test_links_to_the_host_that_redirected_are_followed(site: Site, tmp_path: Path) -> None:
    real = f"http://localhost:{site.server.port}"

    async def moved(request: web.Request) -> web.StreamResponse:
        if request.host.startswith("localhost"):
            text = links(site.url("/about"), "/contact")
            return web.Response(text=text, content_type="text/html")
        raise web.HTTPFound(f"{real}/")

    site.pages = {"/": moved, "/about": "about", "/contact": "contact"}
    await fetch([site.url()], tmp_path, Options(level=1, robots=False))
    assert {"/about", "/contact"} < set(asked(site))


async def test_links_to_given_domains_are_followed(site: Site, command: Command) -> None:
    other = f"http://localhost:{site.server.port}"
    site.pages = {"/": links(f"{other}/a.html"), "/a.html": "a"}
    assert (await command("-r", "--no-robots", site.url(), "-o", "1")).status == 0
    assert asked(site) == ["/"]
    arguments = ("-r", "--no-robots", "--domains", "example.org, .LOCALHOST", site.url())
    assert (await command(*arguments, "-o", "2")).status == 0
    assert asked(site) == ["/", "/", "/a.html"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--domains", "a.test/x"), "'a.test/x' is more than the name of a host"),
        (("--domains", "a.test:80x"), "'a.test:80x' is not the name of a host"),
        (("--max-queries", "some"), "'some' is neither a whole number nor none"),
        (("--max-queries", "-1"), "-1"),
    ],
)
async def test_mistakes_in_options_of_the_scope_are_said(
    command: Command, option: tuple[str, str], said: str
) -> None:
    ran = await command("-r", "http://a.test/", *option)
    assert ran.status == 2
    assert said in "\n".join(ran.err)


async def test_a_site_without_end_comes_to_one(site: Site, tmp_path: Path) -> None:
    async def deeper(request: web.Request) -> web.StreamResponse:
        site.requests.append(request)
        return web.Response(text=links(f"{request.path}again/"), content_type="text/html")

    class Endless(dict[str, str | bytes | Handler]):
        def get(self, path: str, default: object = None) -> Handler:
            return deeper if path.endswith("/") else says("", 404)

    site.pages = Endless()
    await fetch([site.url("/loop/")], tmp_path, Options(level=0))
    assert 2 < len(set(asked(site))) < 10


async def test_several_processes_follow_links_together(site: Site, command: Command) -> None:
    other = f"http://localhost:{site.server.port}"
    site.pages = {
        "/": links(*(f"/{n}.html" for n in range(20)), f"{other}/0.html", "/moved.html"),
        **{f"/{n}.html": f"<img src='{other}/{n}.gif'>" for n in range(20)},
        **{f"/{n}.gif": b"GIF89a" for n in range(20)},
    }

    async def moved(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/5.html")

    site.pages["/moved.html"] = moved
    ran = await command("-r", "--span-hosts", "--processes", "2", site.url())
    assert ran.status == 0, ran.err
    files = saved_files(command.folder / "downloaded_sites")
    assert len(files) == 1 + 20 + 20 + 1
    start = (command.folder / "downloaded_sites" / f"{site.folder}.html").read_text()
    assert start == links(
        *(f"{site.folder}/{n}.html" for n in range(20)),
        f"localhost_{site.server.port}/0.html",
        f"{site.folder}/5.html",
    )


async def test_a_site_that_never_ends_its_robots_txt_does_not_hold_up_the_run(
    site: Site, tmp_path: Path
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"#\n")
                await asyncio.sleep(0.01)
        return response

    site.pages = {"/robots.txt": endless, "/": links("/a.html")}
    outcomes = by_path(site, await fetch([site.url()], tmp_path, Options(level=1, timeout=0.5)))
    failed = outcomes["/a.html"]
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.message) == (
        ErrorKind.TIMEOUT,
        "robots.txt did not arrive within 0.5 s",
    )


async def test_a_defect_in_reading_robots_txt_fails_its_links_and_ends(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: RobotsCache, __: Url) -> RobotsRules:
        raise RecursionError("too deep")

    monkeypatch.setattr(RobotsCache, "rules", broken)
    site.pages = {"/": links("/a.html")}
    outcomes = by_path(site, await fetch([site.url()], tmp_path, Options(level=1)))
    failed = outcomes["/a.html"]
    assert isinstance(failed, Failed)
    assert "RecursionError" in failed.message


async def test_robots_txt_is_asked_for_without_secrets(site: Site, tmp_path: Path) -> None:
    other = f"http://localhost:{site.server.port}"
    seen: dict[str, set[tuple[str, ...]]] = {}

    async def robots(request: web.Request) -> web.StreamResponse:
        sent = tuple(n for n in ("X-Key", "Authorization", "Cookie") if n in request.headers)
        seen.setdefault(request.host, set()).add(sent)
        return web.Response(text="", headers={"Set-Cookie": "a=b"})

    site.pages = {"/robots.txt": robots, "/": links("/a.html", f"{other}/b.html")}
    site.pages |= {"/a.html": "a", "/b.html": "b"}
    options = Options(level=1, span_hosts=True, headers=(("X-Key", "1"),))
    await fetch([site.url().replace("http://", "http://user:pw@")], tmp_path, options)
    assert len(seen) == 2
    assert set().union(*seen.values()) == {()}


async def test_a_level_is_a_number_or_without_end(command: Command) -> None:
    ran = await command("-l", "deep", "http://127.0.0.1:9/")
    assert ran.status == 2
    assert ran.err[-1].endswith("'deep' is neither a whole number nor inf")


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (("--span-hosts",), "--span-hosts needs --recursive"),
        (("-m", "--no-parent"), "--no-parent needs --recursive"),
        (("--no-robots",), "--no-robots needs --recursive"),
        (("--accept", "pdf"), "--accept needs --mirror or --recursive"),
        (("--max-urls", "5"), "--max-urls needs --mirror or --recursive"),
    ],
)
async def test_an_option_that_would_do_nothing_is_refused(
    command: Command, arguments: tuple[str, ...], needed: str
) -> None:
    ran = await command(*arguments, "http://h.test/")
    assert ran.status == 2
    assert needed in "\n".join(ran.err)


async def test_such_an_option_may_stand_in_a_config_file(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    (command.folder / "c.toml").write_text("span_hosts = true\naccept = ['pdf']\n")
    assert (await command("--config", "c.toml", site.url())).status == 0


async def test_what_is_in_the_way_of_one_document_keeps_no_other_from_its_links(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/a.html": links(site.url("/b.html")),
        "/b.html": links(site.url("/c.html")),
        "/c.html": links(site.url("/a.html")),
    }
    pages = [site.url(f"/{name}.html") for name in "abc"]
    originals = command.folder / "downloaded_sites" / ".download" / "originals" / site.folder
    (originals / "b.html").mkdir(parents=True)
    ran = await command("-m", *pages)
    folder = command.folder / "downloaded_sites" / site.folder
    assert (folder / "a.html").read_text() == links("b.html")
    assert (folder / "c.html").read_text() == links("a.html")
    assert (folder / "b.html").read_text() == links(site.url("/c.html"))
    assert f"{site.folder}/b.html keeps its original links" in "\n".join(ran.err)
