"""Which requests name the page that led to them."""

from pathlib import Path

import pytest

from downloader import Options
from downloader.web.urls import parse, referrer
from tests.support.command import Command
from tests.support.library import fetch
from tests.support.web_server import Site


def referers(site: Site) -> dict[str, str | None]:
    return {request.path: request.headers.get("Referer") for request in site.requests}


async def test_a_mirror_names_the_page_that_needs_or_links_to_a_url(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {
        "/": "<img src=/a.gif><a href=/next>n</a>",
        "/next": "next",
        "/a.gif": b"GIF89a",
    }
    await fetch([site.url()], tmp_path, Options(level=1))
    sent = referers(site)
    assert sent["/a.gif"] == sent["/next"] == site.url("/")
    assert sent["/"] is None
    assert sent["/robots.txt"] is None


async def test_referers_can_be_left_out_and_given(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": "<img src=/a.gif>", "/a.gif": b"GIF89a"}
    options = Options(mirror=True, send_referer=False, referer="https://me:pw@start.test/x?y#z")
    await fetch([site.url()], tmp_path, options)
    sent = referers(site)
    assert sent["/"] == "https://start.test/x?y"
    assert sent["/a.gif"] is None


async def test_a_header_of_the_user_goes_before_the_page(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": "<img src=/a.gif>", "/a.gif": b"GIF89a"}
    options = Options(mirror=True, headers=(("referer", "https://start.test/"),))
    await fetch([site.url()], tmp_path, options)
    assert referers(site)["/a.gif"] == "https://start.test/"


async def test_the_command_sends_the_referer_and_refuses_what_is_no_url(
    site: Site, command: Command
) -> None:
    site.pages = {"/": "page"}
    result = await command(site.url(), "--no-referer", "--referer", "https://start.test/x")
    assert result.status == 0, result.err
    assert referers(site)["/"] == "https://start.test/x"
    result = await command(site.url(), "--referer", "ftp://me:secret@h.test/")
    assert result.status == 2
    assert "--referer" in "\n".join(result.err)
    assert "secret" not in "\n".join(result.err)


@pytest.mark.parametrize(
    ("page", "url", "sent"),
    [
        ("https://u:p@h.test/a?q#f", "https://h.test/b", "https://h.test/a?q"),
        ("https://u:p@h.test/a?q", "https://o.test/b", "https://h.test/"),
        ("http://h.test/a", "https://h.test/b", "http://h.test/"),
        ("https://h.test/a", "http://h.test/b", ""),
        ("http://h.test:81/a", "http://h.test/b", "http://h.test:81/"),
    ],
)
def test_a_referer_tells_other_origins_no_more_than_that_of_a_browser(
    page: str, url: str, sent: str
) -> None:
    assert referrer(parse(page), parse(url)) == sent


def test_the_library_refuses_a_referer_that_is_no_url_without_showing_it() -> None:
    with pytest.raises(ValueError, match=r"^referer must be an http or https URL$"):
        Options(referer="ftp://me:secret@h.test/")
