"""The page of a report, in a real browser: complete, quiet, usable by everybody, and safe."""

import base64
import hashlib
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, async_playwright

from downloader.errors import ErrorKind
from downloader.models import (
    CheckedPage,
    Downloaded,
    Failed,
    LinkMention,
    LinkProblem,
    LinkRecord,
    LinkReport,
    LinkTotals,
    LinkVerdict,
    Outcome,
    Sizes,
    Timings,
)
from downloader.models.outcome_conversion import record_of
from downloader.report.formats.html import MAX_ROWS, HtmlReport, link_pieces
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.web.charset import CharsetSource
from downloader.web.filenames import SafePath
from downloader.web.text import printable
from tests.support.browser import serious_findings
from tests.support.command import Command
from tests.support.handlers import sends
from tests.support.reports import HOSTILE_TEXTS
from tests.support.web_server import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"
)
Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """A page in the browser, and what it has said and asked for.

    Attributes:
        said: messages on the console, errors, and dialogs.
        asked: addresses outside of the page itself.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def texts(self, selector: str) -> list[str]:
        """Return the texts of all that a selector finds."""
        return await self.page.locator(selector).all_inner_texts()


@asynccontextmanager
async def opened(
    file: Path, *, scheme: Scheme = "light", width: int = 1280, script: bool = True
) -> AsyncIterator[Opened]:
    """Open a page as somebody would who has double-clicked it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            context = await browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                java_script_enabled=script,
            )
            page = await context.new_page()
            seen = Opened(page)
            page.on("console", lambda message: seen.said.append(message.text))
            page.on("pageerror", lambda error: seen.said.append(str(error)))
            page.on("dialog", lambda dialog: seen.said.append(dialog.message))
            page.on("request", lambda request: seen.asked.append(request.url))
            await page.goto(file.as_uri())
            if script:
                await page.wait_for_selector("html[data-ready]", state="attached")
            yield seen
            assert seen.said == []
            assert [url for url in seen.asked if url != file.as_uri() and url != "data:,"] == []
        finally:
            await browser.close()


def written(path: Path, outcomes: Sequence[Outcome], *, untried: int = 0) -> Path:
    """Return the file of a report on *outcomes*."""
    totals = ReportTotals()
    report = HtmlReport(path)
    for outcome in outcomes:
        record = record_of(outcome)
        totals.add(record)
        report.add(record)
    started = "2026-11-25T12:00:00.000Z"
    report.finish(RunRecord(started, 2.5, untried, not untried, totals, path.parent / "saved"))
    return path


def done(number: int, url: str = "", size: int = 1000, media_type: str = "text/html") -> Downloaded:
    """Return a success."""
    url = url or f"https://host{number % 3}.example/page/{number}.html"
    return Downloaded(
        index=number,
        origin=f"list:{number + 1}",
        url=url,
        path=SafePath(f"host/{number}.html"),
        final_url=url,
        redirects=(),
        status=200,
        http_version="1.1",
        media_type=media_type,
        content_coding="",
        sizes=Sizes(size, size, size, "utf-8", CharsetSource.HEADER),
        length_verified=True,
        etag="",
        last_modified="",
        sha256=hashlib.sha256(str(size).encode()).hexdigest(),
        attempts=1,
        resumed_at=0,
        set_aside="",
        started=1795608000.0 + number * 0.1,
        seconds=0.5,
        timings=Timings(0.01, 0.02, 0.03, 0.2, 0.1),
    )


def lost(number: int, text: str) -> Failed:
    """Return a failure with *text* wherever text can be."""
    return Failed(
        index=number,
        origin=text,
        url=text,
        kind=ErrorKind.BAD_URL,
        message=text,
        hint=text,
        parent=text,
    )


async def test_a_run_becomes_a_page_that_can_be_worked_with(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {
        "/": "<p>" + "text " * 1000,
        "/copy": "<p>" + "text " * 1000,
        "/style.css": sends(b"p {}", {"Content-Type": "text/css"}),
        "/a%23b?c=d": "small",
    }
    addresses = [*map(site.url, ["/", "/copy", "/style.css", "/a%23b?c=d", "/lost"])]
    assert (await command(*addresses, "--report=sub/r.html")).status == 1
    async with opened(tmp_path / "sub/r.html") as seen:
        page = seen.page
        assert "5 URLs of 1 host" in await page.inner_text("h1")
        assert await page.locator(".chart svg").count() == 5
        urls = await seen.texts("#table td:first-child > :first-child")
        assert sorted(urls) == sorted(addresses)
        assert urls[-1] == site.url("/lost")
        assert await seen.texts("#duplicates summary") == [
            "2 \u00d7 4.9 KiB 4.9 KiB more than once"
        ]
        assert "404 Not Found" in await page.inner_text("#failures")
        assert "2 texts" in await page.inner_text("#compression")
        links = await page.eval_on_selector_all(
            "#table td:first-child > a:first-child", "all => all.map(link => link.href)"
        )
        assert len(links) == 4
        for link in links:
            await page.goto(link)
            assert page.url.startswith((tmp_path / "downloaded_sites").as_uri())
        seen.asked.clear()
        seen.said.clear()


@pytest.mark.slow
async def test_rows_are_sorted_found_and_paged(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [done(number, size=1000 + number * 7 % 250) for number in range(250)]
    file = written(tmp_path / "r.html", [*outcomes, lost(250, "no address")])
    async with opened(file) as seen:
        page = seen.page
        size = page.locator("th[data-sort=decoded]")
        assert await size.get_attribute("aria-sort") == "descending"
        await size.get_by_role("button").click()
        assert await size.get_attribute("aria-sort") == "ascending"
        assert (await seen.texts("#table td:nth-child(4)"))[0].strip() == "1000 B"
        assert len(await seen.texts("#table tbody tr")) == 100
        await page.locator("#pager").get_by_role("button", name="Next").click()
        assert await page.inner_text("#pager span") == "101\u2013200 of 251"
        await page.fill("#search", "HOST1 page/10")
        await page.locator("#row-count").filter(has_text="of").wait_for()
        assert await page.inner_text("#row-count") == "5 of 251 URLs"
        assert set(await seen.texts("#table td:first-child > :first-child")) == {
            f"https://host1.example/page/{number}.html" for number in (10, 100, 103, 106, 109)
        }
        await page.fill("#search", "")
        await page.select_option("#filter-result", label="failed")
        assert await page.inner_text("#row-count") == "1 of 251 URLs"
        await page.focus("#filter-result")
        await page.keyboard.press("Tab")
        focused = "document.activeElement.closest('th')?.dataset.sort"
        assert await page.evaluate(focused) == "url"
        await page.keyboard.press("Enter")
        assert await page.get_attribute("th[data-sort=url]", "aria-sort") == "ascending"


@pytest.mark.slow
async def test_the_waterfall_is_paged_and_ordered(tmp_path: Path) -> None:
    async with opened(written(tmp_path / "r.html", [*map(done, range(50))])) as seen:
        page = seen.page
        pager = page.locator("#waterfall-pager")
        assert await pager.locator("span").inner_text() == "1\u201340 of 50"
        await pager.get_by_role("button", name="Next").click()
        assert await pager.locator("span").inner_text() == "41\u201350 of 50"
        titles = await page.locator("[data-chart=waterfall] rect title").all_text_contents()
        assert any("TLS" in title.upper() and "30 ms" in title for title in titles)
        await page.select_option("#waterfall-order", "slow")
        assert await pager.locator("span").inner_text() == "1\u201340 of 50"


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_everybody_can_use_it(tmp_path: Path, scheme: Scheme, width: int) -> None:
    outcomes: list[Outcome] = [
        *(done(number, size=3000 + number % 7) for number in range(120)),
        lost(120, "x"),
        lost(121, "https://host.example/lost"),
    ]
    async with opened(
        written(tmp_path / "r.html", outcomes, untried=3), scheme=scheme, width=width
    ) as seen:
        assert await seen.page.evaluate("document.documentElement.scrollWidth") == width
        await seen.page.eval_on_selector_all(
            "details", "all => all.forEach(one => one.open = true)"
        )
        assert await serious_findings(seen.page) == []


@pytest.mark.slow
async def test_hostile_text_stays_text(tmp_path: Path) -> None:
    addresses = [f"https://h.example/{text}" for text in HOSTILE_TEXTS]
    outcomes: list[Outcome] = [
        *(lost(number, text) for number, text in enumerate(HOSTILE_TEXTS)),
        *(done(number + 100, url) for number, url in enumerate(addresses)),
    ]
    file = written(tmp_path / "r.html", outcomes)
    async with opened(file) as seen:
        shown = await seen.texts("#table td:first-child > :first-child")
        wanted = {" ".join(printable(text).split()) for text in [*HOSTILE_TEXTS, *addresses]}
        assert {" ".join(text.split()) for text in shown} == wanted
        links = await seen.page.eval_on_selector_all(
            "a[href]", "all => all.map(link => link.protocol)"
        )
        assert set(links) == {"file:", "https:"}
        assert await seen.page.locator("script").count() == 8


@pytest.mark.slow
async def test_what_was_stopped_and_what_failed_altogether_is_shown(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [lost(number, "no address") for number in range(60)]
    async with opened(written(tmp_path / "r.html", outcomes, untried=1)) as seen:
        text = await seen.page.inner_text("body")
        assert "This run was stopped. 1 line that had been read was not tried" in text
        assert "and 10 more, in the table below" in text
    async with opened(written(tmp_path / "r.html", [])) as seen:
        assert "There was nothing to fetch." in await seen.page.inner_text("main")


@pytest.mark.slow
async def test_without_scripts_it_still_tells_the_most(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [*map(done, range(120)), lost(120, "no address")]
    async with opened(written(tmp_path / "r.html", outcomes), script=False) as seen:
        assert len(await seen.texts("#table tbody tr")) == 100
        assert await seen.page.locator("#search").is_hidden()
        assert "no address" in await seen.page.inner_text("#failures")


@pytest.mark.slow
async def test_on_paper_there_are_charts_and_no_controls(tmp_path: Path) -> None:
    async with opened(written(tmp_path / "r.html", [*map(done, range(20))])) as seen:
        await seen.page.emulate_media(media="print")
        assert await seen.page.locator(".chart svg").first.is_visible()
        for control in ("nav", "#search", "#pager", ".out >> nth=0"):
            assert await seen.page.locator(control).is_hidden()


@pytest.mark.slow
async def test_as_many_rows_as_a_page_can_hold(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [done(number, size=number + 1) for number in range(MAX_ROWS + 10)]
    file = written(tmp_path / "r.html", [*outcomes, lost(MAX_ROWS, "no address")])
    assert file.stat().st_size < 5_000_000
    async with opened(file) as seen:
        assert await seen.page.inner_text("#row-count") == "50,000 URLs"
        section = await seen.page.inner_text("#urls")
        assert "The failures and the largest, 50,000 of 50,011" in section
        await seen.page.locator("th[data-sort=decoded] button").click()
        # What has no size comes last, so these are the smallest that have a row.
        assert (await seen.texts("#table td:nth-child(4)"))[0].strip() == "12 B"


def test_the_policy_names_just_the_scripts_and_styles_that_there_are(tmp_path: Path) -> None:
    text = written(tmp_path / "r.html", [done(0)]).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    inline = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", text, re.DOTALL)
    digests = [hashlib.sha256(each.encode()).digest() for each in inline]
    hashes = {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}
    assert set(re.findall(r"'sha256-[^']*'", policy[1])) == hashes
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]


@pytest.mark.slow
async def test_two_runs_are_compared_on_the_page(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/same": "same", "/grows": "1", "/goes": "1"}
    await command(*map(site.url, ["/same", "/grows", "/goes"]), "--no-save", "--report=r.jsonl")
    site.pages["/grows"] = "12"
    ran = await command(
        *map(site.url, ["/same", "/grows"]),
        *("--no-save", "--compare=r.jsonl", "--report=r.html", "--budget=html=1,total=1M"),
    )
    assert ran.status == 1
    async with opened(tmp_path / "r.html") as seen:
        changes = " ".join((await seen.page.inner_text("#changes")).split())
        assert "Since r.jsonl: 1 gone, 1 changed (1 size), 1 same." in changes
        assert "1 B → 2 B (+1 byte)" in changes
        assert site.url("/grows") in await seen.page.inner_text("#limits")


def link(number: int, text: str, verdict: LinkVerdict = LinkVerdict.BROKEN) -> LinkRecord:
    """Return a link with *text* wherever text can be, on three pages."""
    places = (f"https://h.example/{number}", text, "site/page.html")
    return LinkRecord(
        url=text,
        verdict=verdict,
        kind=LinkProblem.MOVED if verdict is LinkVerdict.WARNING else ErrorKind.HTTP_STATUS,
        message=text,
        hint=text,
        final_url=text,
        mentions=tuple(LinkMention(page, number, text) for page in places),
        mention_count=4,
    )


def links_written(path: Path, links: Sequence[LinkRecord], **totals: int) -> Path:
    """Return the file of a report on *links*."""
    pages = tuple(CheckedPage(f"https://h.example/{number}", number) for number in range(3))
    counts = LinkTotals(**{"pages": 3, "links": 9, "ok": 6, **totals})
    report = LinkReport(links=tuple(links), pages=pages, totals=counts, started=1795608000.0)
    path.write_bytes(b"".join(link_pieces(report)))
    return path


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_everybody_can_use_the_page_about_links(
    tmp_path: Path, scheme: Scheme, width: int
) -> None:
    links = [link(number, f"https://h.example/gone/{number}") for number in range(12)]
    links.append(link(20, "https://h.example/moved", LinkVerdict.WARNING))
    file = links_written(tmp_path / "l.html", links, broken=12, warnings=1)
    async with opened(file, scheme=scheme, width=width) as seen:
        page = seen.page
        assert await page.inner_text("h1") == "9 links on 3 pages, 12 broken"
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        # The page that names most is the first; each target names its places.
        assert (await page.inner_text("#pages summary >> nth=0")).split() == [
            *("site/page.html", "12")
        ]
        assert await page.locator("#targets details").count() == 12
        await page.locator("#targets details").last.locator("summary").click()
        assert "line 11" in await page.inner_text("#targets details >> nth=11")
        assert "and 1 more" in await page.inner_text("#targets details >> nth=11")
        assert "moved" in await page.inner_text("#warnings")
        assert await serious_findings(page) == []


@pytest.mark.slow
async def test_hostile_text_stays_text_on_the_page_about_links(tmp_path: Path) -> None:
    links = [link(number, printable(text)) for number, text in enumerate(HOSTILE_TEXTS)]
    async with opened(links_written(tmp_path / "l.html", links, broken=len(links))) as seen:
        shown = await seen.texts("#targets summary strong")
        wanted = [" ".join(printable(text).split()) for text in HOSTILE_TEXTS]
        assert [" ".join(text.split()) for text in shown] == wanted
        protocols = await seen.page.eval_on_selector_all(
            "a[href]", "all => all.map(link => link.protocol)"
        )
        assert set(protocols) == {"file:", "https:"}
        assert await seen.page.locator("script").count() == 0
