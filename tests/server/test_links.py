"""The subcommand ``links``, as a user types it."""

import json

from tests.support.command import Command
from tests.support.web_server import Site


async def test_broken_links_are_named_with_their_pages_and_lines(
    command: Command, site: Site
) -> None:
    site.pages |= {
        "/": "<title>x</title>\n<a href=/a>a</a>\n<a href=/gone>gone</a><img src=/no.png>",
        "/a": "<p id=part><a href='/#top'>1</a> <a href=#part>2</a> <a href=#no>3</a>",
    }
    ran = await command("links", "-r", site.url("/"), "--report", "r.json")
    url = site.url("")
    assert ran.status == 1
    assert ran.out[:-1] == [
        f"{url}/",
        f"      3  {url}/gone",
        "         404 Not Found",
        f"      3  {url}/no.png",
        "         404 Not Found",
        f"{url}/a",
        f"      1  {url}/a#no",
        "         no element has this id or name",
        "",
    ]
    assert ran.out[-1].startswith("2 pages, 6 links: 3 ok, 0 warnings, 3 broken; 4 URLs asked in ")
    report = json.loads((command.folder / "r.json").read_text())
    assert [each["kind"] for each in report["links"]] == [
        *("http-status", "http-status", "missing-fragment")
    ]
    assert report["links"][0]["mentions"] == [
        {"page": f"{url}/", "line": 3, "construct": "a[href]"}
    ]
    assert [each["url"] for each in report["pages"]] == [f"{url}/", f"{url}/a"]
