"""A page as one file loads nothing in a browser and looks the same."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import yarl
from aiohttp import web

from downloader.links import Document, Link, ParsedDocument
from downloader.mirror.single_file import (
    single_file,
)
from downloader.web.media_types import extension_for
from downloader.web.urls import Url
from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    visit,
    visit_both,
    waits_for_browser,
)
from tests.support.mirror_site import PAGES, MirrorSite
from tests.support.single_file import FRAME, Files, reader
from tests.support.web_server import Handler, Site

#: Chromium takes the best candidate that is there already, as all data: URIs are. On this site
#: it has no more pixels than the others, so it would be drawn smaller.
_CANDIDATE = re.compile(rb", [^\s,\"]+ 2x|[^\s,\"]+ 100w, ")


@dataclass
class Copy:
    """A mirrored folder, all in one level, and where its files are from."""

    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    charsets: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    async def of(cls, start: str) -> "Copy":
        documents: dict[Url, Document] = {}
        queue = [Url(start)]
        copy = cls()
        async with aiohttp.ClientSession() as session:
            while queue:
                url = queue.pop()
                if url in copy.names:
                    continue
                copy.names[url] = ""
                async with session.get(yarl.URL(url, encoded=True)) as response:
                    if response.status != 200:
                        continue
                    body, kind = await response.read(), response.content_type
                    documents[url] = Document(body, kind, Url(str(response.url)), response.charset)
                name = hashlib.sha256(url.encode()).hexdigest()[:12] + extension_for(kind)
                copy.names[url] = name
                copy.charsets[name] = documents[url].charset
                links = ParsedDocument(documents[url]).links
                queue += [link.url for link in links if link.url and link.kind.is_requisite]
        for url, document in documents.items():
            copy.files[copy.names[url]] = ParsedDocument(document).rewrite(copy.local).body
        return copy

    def address(self, name: str) -> str | None:
        """Return where a file is from."""
        return next((url for url, known in self.names.items() if known == name), None)

    def local(self, link: Link) -> str | None:
        assert link.url
        name = self.names.get(link.url) if link.kind.is_requisite else None
        return (name or link.url) + link.fragment


@pytest.mark.slow(keep=1)
@needs_browser
@waits_for_browser
@pytest.mark.parametrize("path", PAGES)
async def test_one_file_loads_nothing_and_shows_the_same(
    mirrored: MirrorSite, tmp_path: Path, path: str
) -> None:
    url = mirrored.url(path)
    copy = await Copy.of(url)
    page = copy.names[url]
    copy.files[page] = _CANDIDATE.sub(b"", copy.files[page])
    charset = copy.charsets[page]
    single = single_file(page, copy.files.get, source_url=copy.address, charset=charset)
    file = tmp_path / f"page{Path(page).suffix}"
    file.write_bytes(single.body)
    async with chromium() as browser:
        online = await visit(browser, url, lambda _: True)
        offline = await visit(browser, file.as_uri(), lambda address: address == file.as_uri())
    assert offline.loaded == (file.as_uri(),)
    assert set(offline.failed) == set(online.failed)
    assert offline.title == online.title
    assert_looks_alike(offline, online)


PARTS = {
    "/index.html": f"""{FRAME}<title>1</title><p id=told>
        <iframe src=frame.html width=200 height=60></iframe>
        <iframe src=quirks.html width=200 height=60></iframe>
        <script type=importmap>{{"imports": {{"even": "./even.js"}}}}</script>
        <script type=module>
        import {{ even }} from 'even';
        document.title = even(10) + ' ' + (await import('./odd.js')).odd(10);
        </script>""",
    "/even.js": "import { odd } from './odd.js'; export const even = n => n === 0 || odd(n - 1)",
    "/odd.js": "import { even } from './even.js'; export const odd = n => n !== 0 && even(n - 1)",
    "/frame.html": f"""{FRAME}<style>:target {{ background: #c0ffee }}</style>
        <a href=#place>go</a><p id=place>\u00fc "&amp;quot;" <iframe src=inner.html></iframe>
        <script>
        parent.document.getElementById('told').textContent = document.compatMode;
        document.querySelector('a').click();
        </script>""",
    "/inner.html": f"{FRAME}<script>document.write(parent.parent.document.compatMode)</script>",
    "/quirks.html": "<meta charset=utf-8><script>document.write(document.compatMode)</script>",
}


@pytest.mark.slow
@needs_browser
@waits_for_browser
async def test_frames_and_modules_work_as_they_did(site: Site, tmp_path: Path) -> None:
    for path, text in PARTS.items():
        site.pages[path] = sent(text, "text/javascript" if path.endswith(".js") else "text/html")
    files: Files = {path[1:]: text for path, text in PARTS.items()}
    single = single_file("index.html", reader(files), source_url=lambda path: site.url(f"/{path}"))
    assert single.external_references == ()
    file = tmp_path / "page.html"
    file.write_bytes(single.body)
    async with chromium() as browser:
        online, offline = await visit_both(
            browser,
            (site.url("/index.html"), lambda _: True),
            (file.as_uri(), lambda address: address == file.as_uri()),
        )
    assert online.title == offline.title == "true false"
    assert offline.failed == {}
    assert_looks_alike(offline, online)


def sent(text: str, kind: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=kind)

    return answer
