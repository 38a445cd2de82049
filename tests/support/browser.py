"""A real browser for tests: Debian's Chromium, driven by Playwright, with the network cut."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    ViewportSize,
    async_playwright,
)

from tests.support.screenshots import difference

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_AXE = Path(__file__).parents[1] / "data" / "axe.min.js"
#: What must not be: findings of axe-core that keep somebody from using the page.
_SERIOUS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}"""
#: A mark for tests that need it.
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed (apt-get install chromium)"
)
#: A mark for tests that open pages: all that is in their folder.
waits_for_browser = pytest.mark.timing_sensitive(
    reason="Playwright gives up after 30 s, and a busy Chromium may draw a page before it is whole"
)
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # Fonts are drawn alike however they were loaded.
    *("--font-render-hinting=none", "--disable-lcd-text", "--hide-scrollbars"),
]
_VIEW = ViewportSize(width=800, height=600)
#: Waits until nothing more is drawn: pictures that were scrolled to, fonts, all modules.
_SETTLED = """async () => {
  for (const image of document.querySelectorAll('img[loading=lazy]')) image.loading = 'eager';
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""

#: Which addresses a page may ask for.
Allow = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser made of one page.

    Attributes:
        url: its address.
        version: the version of the browser.
        requested: the addresses that it asked for, in the order of the first time.
        loaded: those that were answered with success, redirects aside.
        failed: those that were not, with the reason; blocked ones among them.
        links: where the links of the page lead, absolute.
        title: the title of the page.
        errors: what was written to the console as an error.
        screenshot: the whole page, as PNG.
    """

    url: str
    version: str
    requested: tuple[str, ...]
    loaded: tuple[str, ...]
    failed: dict[str, str]
    links: tuple[str, ...]
    title: str
    errors: tuple[str, ...]
    screenshot: bytes


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def visit(browser: Browser, url: str, allow: Allow) -> Visit:
    """Open *url* in a fresh profile, and return what it loaded; addresses not allowed are blocked.

    Addresses within the page (``data:``, ``blob:``, ``about:``) are neither blocked nor recorded.
    What a redirect leads to is requested before it can be blocked, and then recorded as failed.
    """
    context = await browser.new_context(viewport=_VIEW, service_workers="block")
    try:
        record = _Record(allow)
        await context.route("**/*", record.route)
        page = await context.new_page()
        page.on("request", record.asked)
        page.on("requestfinished", record.finished)
        page.on("requestfailed", record.failed_request)
        page.on("response", record.response)
        page.on("console", record.message)
        page.on("pageerror", lambda error: record.errors.append(str(error)))
        await page.goto(url, wait_until="networkidle")
        return await _visit(page, record, browser.version)
    finally:
        await context.close()


async def visit_both(
    browser: Browser, online: tuple[str, Allow], offline: tuple[str, Allow]
) -> tuple[Visit, Visit]:
    """Open a page and its copy, each by its address and what is allowed; if they differ, again.

    On a busy machine Chromium draws two pixels of an icon differently, once in a hundred pages.
    """
    for _ in range(3):
        first, second = await visit(browser, *online), await visit(browser, *offline)
        if difference(first.screenshot, second.screenshot).is_tolerable:
            break
    return first, second


async def serious_findings(page: Page) -> list[str]:
    """Return what keeps somebody from using a page, as axe-core finds it."""
    await page.evaluate(_AXE.read_text(encoding="utf-8"))
    return list(await page.evaluate(_SERIOUS))


def assert_looks_alike(offline: Visit, online: Visit) -> None:
    """Fail unless a person could not tell a page from its copy."""
    found = difference(online.screenshot, offline.screenshot)
    assert found.is_tolerable, f"{offline.url} differs in Chromium {offline.version}: {found}"


async def _visit(page: Page, record: "_Record", version: str) -> Visit:
    await page.evaluate(_SETTLED)
    await page.wait_for_load_state("networkidle")
    links = await page.evaluate("[...document.links].map(link => link.href)")
    screenshot = await page.screenshot(full_page=True, animations="disabled", caret="hide")
    requested = tuple(dict.fromkeys(record.requested))
    return Visit(
        url=page.url,
        version=version,
        requested=requested,
        loaded=tuple(url for url in requested if url in record.done and url not in record.bad),
        failed=dict(record.bad),
        links=tuple(links),
        title=await page.title(),
        errors=tuple(record.errors),
        screenshot=screenshot,
    )


class _Record:
    def __init__(self, allow: Allow) -> None:
        self._allow = allow
        self.requested: list[str] = []
        self.done: set[str] = set()
        self.bad: dict[str, str] = {}
        self.errors: list[str] = []

    async def route(self, route: Route, request: Request) -> None:
        if self._allow(request.url) or not _is_recorded(request.url):
            await route.continue_()
        else:
            self.bad[request.url] = "blocked"
            await route.abort("blockedbyclient")

    def message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def asked(self, request: Request) -> None:
        if _is_recorded(request.url):
            self.requested.append(request.url)
            if request.redirected_from and not self._allow(request.url):
                self.bad[request.url] = "blocked, though a redirect led there"

    def response(self, response: Response) -> None:
        if response.status >= 400:
            self.bad[response.url] = f"{response.status} {response.status_text}"
        elif _is_recorded(response.url) and not 300 <= response.status < 400:
            self.done.add(response.url)

    def finished(self, request: Request) -> None:
        if _is_recorded(request.url) and request.url.startswith("file:"):
            self.done.add(request.url)

    def failed_request(self, request: Request) -> None:
        # Media players stop a request once they have what they need.
        if request.failure != "net::ERR_ABORTED" or request.resource_type != "media":
            self.bad.setdefault(request.url, request.failure or "failed")


def _is_recorded(url: str) -> bool:
    return url.startswith(("http:", "https:", "file:"))
