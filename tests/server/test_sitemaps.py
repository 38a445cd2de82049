"""Sitemaps and feeds on the network: what is asked for, with which secrets, and what fails."""

import asyncio
import gzip

import pytest
from aiohttp import web

from downloader import Options
from downloader.core.sitemap_fetcher import SitemapFetcher
from downloader.errors import HttpStatusError
from downloader.web.urls import parse
from tests.support.command import Command, shown_size
from tests.support.web_server import Site

PAGE = "<p>page"
LIMIT = 30


def sitemap_of(*pages: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{page}</loc></url>' for page in pages)}</urlset>"


def paths(site: Site) -> list[str]:
    return [request.path_qs for request in site.requests]


async def test_the_sitemaps_of_a_site_are_found_by_its_robots_txt(
    site: Site, command: Command
) -> None:
    index = "<sitemapindex><sitemap><loc>/inner.xml</loc></sitemap></sitemapindex>"
    site.pages = {
        "/robots.txt": f"Sitemap: {site.url('/index.xml')}\nSitemap: /gone.xml\n",
        "/index.xml": f"\n{index}",
        "/inner.xml": sitemap_of(site.url("/a"), "/b?x&y"),
        "/a": PAGE,
        "/b?x&y": PAGE,
    }
    ran = await command("--sitemap", site.url())
    assert ran.status == 1
    assert sorted(ran.out[:-1]) == [
        f"Downloaded downloaded_sites/{site.folder}/a.html: {shown_size(PAGE)}",
        f"Downloaded downloaded_sites/{site.folder}/b@x&y.html: {shown_size(PAGE)}",
    ]
    assert ran.err == [f"Failed {site.url('/gone.xml')}: 404 Not Found (http-status)"]


async def test_a_feed_and_a_list_are_read_in_one_run(site: Site, command: Command) -> None:
    feed = f"<rss><item><link>{site.url('/a')}</link></item><item><link>/b</link></item></rss>"
    site.pages = {"/feed": feed, "/a": PAGE, "/b": PAGE, "/c": PAGE}
    (command.folder / "list.txt").write_text(site.url("/c"))
    ran = await command("list.txt", "--sitemap", site.url("/feed"))
    assert (ran.status, ran.err) == (0, [])
    assert sorted(paths(site)) == ["/a", "/b", "/c", "/feed"]


async def test_a_sitemap_may_be_gzipped_twice(site: Site, command: Command) -> None:
    body = gzip.compress(gzip.compress(sitemap_of(site.url("/a")).encode()))

    async def twice(_: web.Request) -> web.Response:
        return web.Response(
            body=body, content_type="application/x-gzip", headers={"Content-Encoding": "gzip"}
        )

    site.pages = {"/sitemap.xml.gz": twice, "/a": PAGE}
    ran = await command("--sitemap", site.url("/sitemap.xml.gz"))
    assert (ran.status, ran.err) == (0, [])


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (["--sitemap", "SITE/"], 1, "Failed SITE/sitemap.xml: 404 Not Found (http-status); if the"),
        (["--sitemap", "SITE/page"], 1, "'SITE/page': is neither a sitemap nor a feed (bad-url)"),
        (["--sitemap", "SITE/empty"], 2, "download: SITE/empty holds no URL"),
        (["--sitemap", "ftp://x/"], 2, "Invalid value for '--sitemap': ftp: is not fetched"),
        (["--sitemap", "SITE/", "--demo"], 2, "--demo and --sitemap cannot be combined"),
        (["--sitemap", "SITE/", "x.warc"], 2, "name no other SOURCE beside it"),
        ([], 2, "name a SOURCE"),
    ],
)
async def test_what_goes_wrong_is_one_clear_line(
    site: Site, command: Command, given: list[str], status: int, said: str
) -> None:
    site.pages = {"/page": PAGE, "/empty": "<urlset></urlset>"}
    (command.folder / "x.warc").write_bytes(b"WARC/1.0\r\n")
    here = site.url("")
    ran = await command(*(each.replace("SITE", here) for each in given))
    assert ran.status == status
    assert said.replace("SITE", here) in ran.err[-1]


@pytest.mark.parametrize("secret", [["-u", "name:pa55"], ["-H", "X-Token: pa55"]])
async def test_secrets_go_only_to_the_site_that_the_user_named(
    site: Site, command: Command, secret: list[str]
) -> None:
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages = {
        "/robots.txt": f"Sitemap: {other}elsewhere.xml\nSitemap: /own.xml\n",
        "/elsewhere.xml": sitemap_of(f"{other}there", site.url("/here")),
        "/own.xml": sitemap_of(f"{other}own-there", "/own-here"),
        **dict.fromkeys(["/there", "/here", "/own-there", "/own-here"], PAGE),
    }
    ran = await command("--sitemap", site.url(), *secret)
    assert (ran.status, ran.err) == (0, [])
    with_secret = {
        request.path: "Authorization" in request.headers or "X-Token" in request.headers
        for request in site.requests
    }
    assert with_secret == {
        **dict.fromkeys(["/robots.txt", "/here", "/own.xml", "/own-here"], True),
        **dict.fromkeys(["/elsewhere.xml", "/there", "/own-there"], False),
    }


async def test_a_mirror_with_secrets_takes_no_page_of_another_site_from_a_sitemap(
    site: Site, command: Command
) -> None:
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages = {
        "/sitemap.xml": sitemap_of(f"{other}there", "/here"),
        "/here": "<img src=/picture.png>",
        "/picture.png": b"\x89PNG",
    }
    ran = await command("--sitemap", site.url(), "-m", "-u", "name:pa55")
    assert ran.status == 1
    assert ran.err == [
        f"Failed {other}there: the sitemap is of another site (blocked); "
        "leave out --data, or the password, or the mirror options"
    ]
    assert {request.host.partition(":")[0] for request in site.requests} == {"127.0.0.1"}


async def test_a_list_on_the_network_cannot_make_other_requests_than_a_get(
    site: Site, command: Command
) -> None:
    admin = site.url("/admin")
    lists = {
        "/urls.csv": f"url,method,headers,body\n{admin},DELETE,,\n{admin},POST,,a=b",
        "/urls.json": f'[{{"url": "{admin}", "method": "GET", "headers": "Host: intern"}}]',
        "/urls.txt": f"{admin}\n  header=X-Forwarded-For: ::1",
    }
    site.pages = {**lists, "/admin": PAGE}
    ran = await command(*(part for path in lists for part in ("--sitemap", site.url(path))))
    assert ran.status == 1
    assert [line.partition(": ")[2].partition(")")[0] for line in ran.err] == [
        "a list on the network sets the method, the headers or the body of a request (blocked"
    ] * 4
    assert sorted(paths(site)) == sorted(lists)


async def test_a_body_of_the_user_goes_to_no_other_site_that_a_sitemap_names(
    site: Site, command: Command
) -> None:
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages = {"/sitemap.xml": sitemap_of(f"{other}there", "/here"), "/here": PAGE}
    ran = await command("--data", "secret", "--sitemap", site.url("/sitemap.xml"))
    assert ran.err == [
        f"Failed {other}there: the sitemap is of another site (blocked); "
        "leave out --data, or the password, or the mirror options"
    ]
    assert [(request.method, request.path) for request in site.requests] == [
        ("GET", "/sitemap.xml"),
        ("POST", "/here"),
    ]


async def test_a_sitemap_is_fetched_again_after_a_transient_failure(site: Site) -> None:
    loop = asyncio.get_running_loop()
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def busy(_: web.Request) -> web.Response:
        if len(site.requests) < 3:
            return web.Response(status=503, headers={"Retry-After": "7"}, text="busy" * 1000)
        return web.Response(text=sitemap_of("https://a.example/"))

    site.pages = {"/sitemap.xml": busy}
    url = parse(site.url("/sitemap.xml"))
    async with SitemapFetcher(Options(), sleep) as fetcher, asyncio.timeout(LIMIT):
        fetch = fetcher.blocking_fetch()
        body = await loop.run_in_executor(None, lambda: b"".join(fetch(url, url)))
        assert body.decode() == sitemap_of("https://a.example/")
        assert waits == [7.0, 7.0]
        site.requests.clear()
    async with SitemapFetcher(Options(retries=1), sleep) as fetcher, asyncio.timeout(LIMIT):
        fetch = fetcher.blocking_fetch()
        with pytest.raises(HttpStatusError):
            await loop.run_in_executor(None, lambda: b"".join(fetch(url, url)))
        assert len(site.requests) == 2


async def test_a_page_on_standard_input_is_a_list_of_its_links(
    site: Site, command: Command
) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE}
    page = f"<!doctype html><a href='{site.url('/a')}'>a</a><a href='/b'>b</a>"
    ran = await command("-", "--base", site.url("/page"), stdin=page.encode())
    assert (ran.status, ran.err) == (0, [])
    assert sorted(paths(site)) == ["/a", "/b"]
