"""The cost of a page in function calls, which depends on no machine."""

import cProfile
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from downloader.journal import FileLocation
from downloader.links import Document, LocalFile, ParsedDocument
from downloader.mirror.file_locations import FileLocations
from downloader.web.filenames import SafePath
from downloader.web.urls import Url

if TYPE_CHECKING:
    from downloader.journal.async_journal import AsyncJournal

LINKS = 300
#: The most calls, of functions of Python and C, for each link of a page whose site is known; lower
#: them with what they count.
MAX_CALLS_TO_PARSE = 12
MAX_CALLS_TO_REWRITE = 8


class SavedPages:
    """A journal in which every second page is saved."""

    def own_page(self, _: object) -> None:
        return None

    async def locations(self, urls: list[Url], *, withdrawn: bool) -> dict[Url, FileLocation]:
        assert not withdrawn
        return {
            url: FileLocation(row, SafePath(url.removeprefix("http://")))
            for row, url in enumerate(sorted(urls)[::2])
        }


def page(number: int) -> Document:
    """Return a page of a documentation, which has the links of all its pages."""
    head = (
        '<link rel="stylesheet" href="../_static/style.css" type="text/css" />'
        '<link rel="search" title="Search" href="../search.html" />'
        '<meta name="viewport" content="width=device-width">'
        '<script src="../_static/doctools.js"></script>'
        '<svg viewBox="0 0 1 1"><path d="M0"/></svg>'
    )
    links = "\n".join(
        f'<li><a class="reference internal" href="page-{n}.html#part-{n}" title="Page {n}">'
        f'<span class="pre">Page {n}</span></a></li>'
        for n in range(LINKS)
    )
    body = f"<!DOCTYPE html><title>Page {number}</title>{head}<ul>{links}</ul>"
    url = Url(f"http://h.example/library/page-{number}.html")
    return Document(body.encode(), "text/html", url, "utf-8")


def calls_for_each_link(function: Callable[[], object]) -> float:
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats()) / LINKS


def test_a_page_of_a_known_site_is_parsed_in_few_calls() -> None:
    ParsedDocument(page(1), same_document_links=False)
    calls = calls_for_each_link(lambda: ParsedDocument(page(2), same_document_links=False))
    assert calls <= MAX_CALLS_TO_PARSE


async def test_the_links_of_a_page_are_replaced_in_few_calls() -> None:
    locations = FileLocations(cast("AsyncJournal", SavedPages()))
    document = ParsedDocument(page(1), same_document_links=False)
    await locations.load(document.links)
    replace = locations.replacements(SafePath("h.example/library/page-1.html"))
    replaced = [replace(link) for link in document.links]
    assert any(isinstance(target, LocalFile) for target in replaced)
    assert any(isinstance(target, str) for target in replaced)
    assert calls_for_each_link(lambda: document.rewrite(replace)) <= MAX_CALLS_TO_REWRITE
