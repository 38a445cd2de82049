"""What a run is held against: an earlier report, a budget, a lock; and its sizes on a terminal."""

import csv
import json
import os
import pty
import re
from pathlib import Path

import jsonschema
import pytest

from downloader.report.budget import parse_budget
from tests.support.ci_reports import junit_suites, sarif_run
from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.handlers import redirect, sends
from tests.support.reports import SCHEMA
from tests.support.web_server import Site

VALID_REPORT = jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/report"})


async def test_changes_since_an_earlier_report(
    site: Site, command: Command, tmp_path: Path
) -> None:
    old_title, new_title = (f"<title>{each}</title>" for each in ("Tides &amp; <b>", "Moons"))
    names = ["/same", "/grows", "/turns", "/fails", "/mends", "/goes"]
    heads = ["/title", "/type", "/status", "/redirect", "/lost"]
    site.pages |= {name: "1" for name in [*names, *heads] if name not in ("/mends", "/lost")}
    site.pages |= {"/title": old_title, "/redirect": redirect("/same")}
    await command(
        *map(site.url, [*names, *heads]),
        *("--no-save", "--report=old.jsonl", "--report=old.json"),
    )
    site.pages |= {"/grows": "22", "/turns": "2", "/mends": "1", "/new": "1", "/title": new_title}
    site.pages |= {
        "/type": sends(b"1", {"Content-Type": "text/css"}),
        "/status": sends(b"1", {"Content-Type": "text/html"}, status=203),
        "/redirect": redirect("/goes"),
        "/lost": sends(status=410),
    }
    del site.pages["/fails"]
    lines = [*map(site.url, [*names[:-1], "/new", "/same", *heads])]
    for old in ("old.jsonl", "old.json"):
        ran = await command(
            *lines,
            *("--no-save", "--compare", old, "--fail-on=gone,title,grown=50%"),
            *("--report=new.json", "--report=new.csv", "--report=new.junit.xml"),
            *("--report=new.sarif", "--report=new.md", "--report=new.html", "-q"),
        )
        assert ran.status == 1
        rows = [re.split(r"  +", line.replace(site.url(""), ""), maxsplit=2) for line in ran.out]
        assert rows == [
            [
                f"Since {old}: 1 broken, 1 works again, 1 gone, 1 new, 7 changed "
                "(2 size, 1 bytes, 1 type, 1 title, 2 status, 1 redirect), 1 same"
            ],
            [""],
            ["Change", "Size", "URL"],
            ["broken", "1 B", "/fails: 404 Not Found"],
            ["works again", "1 B", "/mends"],
            ["gone", "1 B", "/goes"],
            ["new", "1 B", "/new"],
            ["changed (size)", "1 B → 2 B (+1 byte)", "/grows"],
            [
                *("changed (size, title)", "30 B → 20 B (-10 bytes)"),
                '/title: title "Tides & <b>" → "Moons"',
            ],
            ["changed (bytes)", "1 B", "/turns"],
            ["changed (type)", "1 B", "/type: type text/html → text/css"],
            ["changed (status)", "/lost: status 404 → 410"],
            ["changed (status)", "1 B", "/status: status 200 → 203"],
            ["changed (redirect)", "1 B", "/redirect: redirect /same → /goes"],
        ]
        assert ran.err[-3:] == [
            f"Unwanted change: {site.url('/title')}: changed (title); "
            'title "Tides & <b>" → "Moons"',
            f"Unwanted change: {site.url('/goes')}: gone",
            f"Unwanted change: {site.url('/grows')}: grown by 100.0%, 50% allowed",
        ]
        _check_reports_of_changes(site, tmp_path)


def _check_reports_of_changes(site: Site, folder: Path) -> None:
    """Check that each format has the changes that the test above makes."""
    whole = json.loads((folder / "new.json").read_text("ascii"))
    VALID_REPORT.validate(whole)
    found = {record["url"].removeprefix(site.url("")): record for record in whole["records"]}
    assert found["/fails"]["change"] == "broken"
    assert (found["/title"]["change"], found["/title"]["changed"]) == ("changed", ["size", "title"])
    assert found["/title"]["title"] == "Moons"
    assert whole["run"]["comparison"]["gone"] == [site.url("/goes")]
    assert whole["run"]["comparison"]["counts"]["changed"] == 7
    rows = list(csv.DictReader((folder / "new.csv").read_text("utf-8").splitlines()))
    assert [row["changed"] for row in rows if row["url"] == site.url("/title")] == ["size title"]
    cases = {
        case.get("name", ""): case for case in junit_suites(folder / "new.junit.xml")["changes"]
    }
    assert len(cases) == 11
    failing = [name for name, case in cases.items() if case.find("failure") is not None]
    assert failing == [*map(site.url, ["/title", "/goes", "/grows"])]
    levels = [
        (result["ruleId"], result["level"])
        for result in sarif_run(folder / "new.sarif")["results"]
        if "change" in result["ruleId"]
    ]
    assert levels == [("unwanted-change", "error")] * 3 + [("change", "note")] * 8
    assert "### Changes since old.json" in (folder / "new.md").read_text("utf-8")
    page = (folder / "new.html").read_text("utf-8")
    assert "title &#34;Tides &amp; &lt;b&gt;&#34; → &#34;Moons&#34;" in page
    assert "Unwanted change" in page


@pytest.mark.slow
async def test_a_report_may_take_the_place_of_the_one_it_is_compared_with(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages["/"] = "1"
    arguments = (site.url("/"), "--no-save", "--report=r.jsonl")
    await command(*arguments)
    site.pages["/"] = "12"
    ran = await command(*arguments, "--compare=r.jsonl")
    assert "1 changed (1 size), 0 same" in ran.out[-4]
    ran = await command(*arguments, "--compare=r.jsonl")
    assert ran.out[-1] == "Since r.jsonl: 1 same"


async def test_of_bad_lines_that_are_alike_none_is_new(command: Command, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("htp:/x\nhtp:/x\n")
    await command("list.txt", "--no-save", "--report=old.jsonl")
    ran = await command("list.txt", "--no-save", "--compare=old.jsonl")
    assert ran.out[-1] == "Since old.jsonl: 1 same"


async def test_what_pages_need_is_not_gone_when_they_are_skipped(
    site: Site, command: Command
) -> None:
    site.pages |= {
        "/": "<iframe src=/frame></iframe>",
        "/frame": "<img src=/picture>",
        "/picture": "1",
    }
    await command(site.url("/"), "--mirror", "--report=old.jsonl")
    ran = await command(site.url("/"), "--mirror", "--compare=old.jsonl")
    assert ran.out[-1] == (
        "Since old.jsonl: 0 same, 3 not checked (skipped as done; --refresh asks the server)"
    )
    ran = await command(site.url("/"), "--mirror", "--refresh", "--compare=old.jsonl")
    assert ran.out[-1] == "Since old.jsonl: 3 same"


async def test_what_was_skipped_as_done_was_not_checked(site: Site, command: Command) -> None:
    site.pages["/page"] = "old"
    await command(site.url("/page"), "--report=old.jsonl")
    site.pages["/page"] = "new and larger"
    ran = await command(site.url("/page"), "--compare=old.jsonl", "--report=new.html")
    assert ran.out[-1] == (
        "Since old.jsonl: 0 same, 1 not checked (skipped as done; --refresh asks the server)"
    )
    assert "1 not checked" in (command.folder / "new.html").read_text()
    ran = await command(site.url("/page"), "--refresh", "--compare=old.jsonl")
    assert ran.out[-4].endswith("1 changed (1 size), 0 same")
    # The file is that of another version now, although this run did not ask for it.
    ran = await command(site.url("/page"), "--compare=old.jsonl")
    assert ran.out[-4].endswith("1 changed (1 size), 0 same")


async def test_what_robots_txt_disallows_now_is_not_the_same(site: Site, command: Command) -> None:
    site.pages |= {"/": "<a href=/a>a</a>", "/a": "a"}
    await command("-r", site.url("/"), "-o", "first", "--report=old.jsonl")
    site.pages["/robots.txt"] = sends(
        b"User-agent: *\nDisallow: /a", {"Content-Type": "text/plain"}
    )
    ran = await command(
        *("-r", site.url("/"), "-o", "second", "--compare=old.jsonl"),
        *("--report=new.jsonl", "--report=new.html"),
    )
    assert ran.out[-4:] == [
        "Since old.jsonl: 1 disallowed, 1 same",
        "",
        "Change      Size  URL",
        f"disallowed  1 B   {site.url('/a')}",
    ]
    assert "Disallowed" in (command.folder / "new.html").read_text()
    del site.pages["/robots.txt"]
    ran = await command("-r", site.url("/"), "-o", "third", "--compare=new.jsonl")
    assert ran.out[-4] == "Since new.jsonl: 1 allowed again, 1 same"
    assert ran.out[-1] == f"allowed again  1 B   {site.url('/a')}"


async def test_what_is_over_budget_fails_and_is_named(site: Site, command: Command) -> None:
    site.pages |= {
        "/page": "x" * 2000,
        "/small": "x",
        "/style": sends(b"y" * 3000, {"Content-Type": "text/css"}),
    }
    addresses = [*map(site.url, ["/page", "/small", "/style"])]
    ran = await command(*addresses, "--no-save", "--budget=html=1k,css=4k,js.total=1,total=5000")
    assert ran.status == 1
    assert ran.err == [
        f"Over budget: {site.url('/page')}: 2.0 KiB, 976 bytes over the 1.0 KiB allowed for html",
        "Over budget: all together: 4.9 KiB, 1 byte over the 4.9 KiB allowed; the largest: "
        f"{addresses[2]} (2.9 KiB), {addresses[0]} (2.0 KiB), {addresses[1]} (1 B)",
    ]
    ran = await command(*addresses, "--no-save", "--budget=any=3000,html.total=2001,total=1M")
    assert (ran.status, ran.err) == (0, [])


async def test_counts_and_any_type_have_budgets(site: Site, command: Command) -> None:
    pdf = sends(b"%PDF-1.7" + bytes(2000), {"Content-Type": "application/pdf"})
    site.pages |= {
        "/": "page",
        "/a.pdf": pdf,
        "/b.pdf": pdf,
        "/lost": sends(status=404),
        "/c": sends(b"PK", {"Content-Type": "application/x-zip"}),
    }
    addresses = [*map(site.url, ["/", "/a.pdf", "/b.pdf", "/c", "/lost", "/lost", "::"])]
    limits = "requests=4,pdf.total=3k,documents.requests=1,image/*.total=0,zip=1,html.requests=1"
    ran = await command(*addresses, "--no-save", "--budget", limits)
    assert [line for line in ran.err if line.startswith("Over budget")] == [
        f"Over budget: {site.url('/c')}: 2 B, 1 byte over the 1 B allowed for zip",
        "Over budget: all together: 5 requests, 4 allowed",
        "Over budget: all pdf together: 3.9 KiB, 944 bytes over the 3.0 KiB allowed; "
        f"the largest: {site.url('/a.pdf')} (2.0 KiB), {site.url('/b.pdf')} (2.0 KiB)",
        "Over budget: all documents together: 2 requests, 1 allowed",
    ]


async def test_a_budget_in_the_config_file(site: Site, command: Command, tmp_path: Path) -> None:
    site.pages["/page"] = "xx"
    (tmp_path / "c.toml").write_text('budget = "total=1"')
    ran = await command(site.url("/page"), "--no-save", "--config=c.toml")
    assert ran.status == 1
    assert ran.err[0].startswith("Over budget: all together: 2 B, 1 byte over the 1 B allowed")


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize(
    "text",
    ["", "html", "html=", "unheard=1k", "a/b/c=1", "html.most=1", "total=-1", "=1", "requests=1k"],
)
async def test_a_budget_that_is_none_is_refused(command: Command, text: str) -> None:
    with pytest.raises(ValueError, match=r"size|limit|number"):
        parse_budget(text)
    ran = await command("--demo", "--budget", text)
    assert ran.status == 2
    assert "--budget" in ran.err[-1]


@pytest.mark.slow
async def test_a_lock_is_downloaded_again_just_so(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {
        "/a": "a",
        "/b": b"bb",
        "/moved": sends(status=302, headers={"Location": "/a"}),
        "/c": "c",
    }
    (tmp_path / "list.txt").write_text(
        "\n".join([*map(site.url, ["/moved", "/b", "/a", "/b"]), site.url("/c"), "  out=see.me"])
    )
    ran = await command("list.txt", "--lock=sites.lock")
    assert ran.status == 0
    locked = [json.loads(line) for line in (tmp_path / "sites.lock").read_text().splitlines()]
    assert [each["url"] for each in locked] == [*map(site.url, ["/moved", "/b", "/a", "/c"])]
    assert (locked[0]["final_url"], locked[0]["size"]) == (site.url("/a"), 1)
    assert [each.get("name") for each in locked] == [None, None, None, "see.me"]
    ran = await command("--locked=sites.lock", "-o", "again")
    assert (ran.status, ran.err) == (0, [])
    assert saved_files(tmp_path / "again") == saved_files(tmp_path / "downloaded_sites")
    # Once more, where all is done already, and where nothing is saved.
    assert (await command("--locked=sites.lock", "-o", "again")).status == 0
    assert (await command("--locked=sites.lock", "--no-save")).status == 0


@pytest.mark.slow
async def test_drift_fails_and_each_difference_is_named(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/same": "a", "/turns": "b", "/goes": "c", "/moves": "d"}
    addresses = [*map(site.url, ["/same", "/turns", "/goes", "/moves"])]
    await command(*addresses, "--no-save", "--lock=sites.lock")
    site.pages |= {
        "/turns": "bb",
        "/moves": sends(status=302, headers={"Location": "/new"}),
        "/new": "d",
    }
    del site.pages["/goes"]
    ran = await command("--locked=sites.lock")
    assert ran.status == 1
    drift = sorted(line for line in ran.err if line.startswith("Not as locked"))
    assert len(drift) == 3
    assert drift[0] == f"Not as locked: {site.url('/goes')}: not there: 404 Not Found"
    moved = f"found at {site.url('/new')}, {site.url('/moves')} is locked"
    assert drift[1] == f"Not as locked: {site.url('/moves')}: {moved}"
    assert drift[2].endswith("/turns: content: another hash, see its failure; 1 bytes are locked")
    assert len([line for line in ran.err if "sha256 is " in line]) == 1
    # What is not what was locked has not been saved.
    assert saved_files(tmp_path / "downloaded_sites") == {
        f"{site.folder}/same.html",
        f"{site.folder}/moves.html",
    }


async def test_a_lock_is_written_only_when_all_is_well(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages["/a"] = "a"
    (tmp_path / "sites.lock").write_text("old")
    ran = await command(site.url("/a"), site.url("/lost"), "--lock=sites.lock")
    assert ran.status == 1
    assert "download: sites.lock was not written, because 1 URL failed" in ran.err
    assert (tmp_path / "sites.lock").read_text() == "old"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("text", ["https://h.example/", '{"url": "https://h.example/"}', "[1]"])
async def test_what_is_no_lock_is_refused(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "sites.lock").write_text(text)
    ran = await command("--locked=sites.lock")
    assert ran.status == 2
    assert "sites.lock:1 has no url and sha256" in ran.err[-1]


async def test_a_lock_is_its_own_source(command: Command, tmp_path: Path) -> None:
    (tmp_path / "sites.lock").write_text("")
    ran = await command("--locked=sites.lock", "https://h.example/")
    assert ran.status == 2
    assert "--locked takes no SOURCE" in ran.err[-1]


async def test_sizes_are_printed_in_aligned_tables(site: Site, command: Command) -> None:
    site.pages |= {"/page": "x" * 2000, "/large": b"z" * 20_000, "/lost": sends(status=404)}
    addresses = [*map(site.url, ["/page", "/large", "/lost"])]
    ran = await command(*addresses, "--no-save", "--sizes")
    start = ran.out.index("")
    host = site.url("").removeprefix("http://").rstrip("/")
    assert ran.out[start:] == [
        "",
        "    Size  Received  Type   Largest",
        f"19.5 KiB  19.5 KiB  Other  {site.url('/large')}",
        f" 2.0 KiB   2.0 KiB  HTML   {site.url('/page')}",
        "",
        "    Size  Received  URLs  By type",
        " 2.0 KiB   2.0 KiB     1  HTML",
        "19.5 KiB  19.5 KiB     1  Other",
        "",
        "    Size  Received  URLs  By host",
        f"21.5 KiB  21.5 KiB     2  {host}",
    ]


async def test_sizes_are_coloured_on_a_terminal_only(site: Site, command: Command) -> None:
    site.pages["/page"] = "x"
    for no_colour, bold in (("", True), ("1", False)):
        command.environment["NO_COLOR"] = no_colour
        ours, theirs = pty.openpty()
        process = await command.start(site.url("/page"), "--no-save", "--sizes", stdout=theirs)
        await process.wait()
        os.close(theirs)
        text = os.read(ours, 65536).decode()
        os.close(ours)
        assert ("\x1b[1m" in text) is bold


async def test_a_page_with_two_addresses_is_counted_once(
    site: Site, command: Command, tmp_path: Path
) -> None:
    page, other = "<p>" + "text " * 200, "<p>" + "words " * 150
    site.pages |= dict.fromkeys(["/", "/index.html", "/copy"], page)
    site.pages |= {"/a/": page, "/a/index.html": other}
    names = ["/", "/index.html", "/index.html?x", "/copy", "/a/", "/a/index.html"]
    site.pages["/index.html?x"] = page
    ran = await command(
        *map(site.url, names),
        *("--no-save", "--sizes", "--budget=html=1000,total=4k", "-j1"),
        *("--report=r.json", "--report=r.md", "--report=r.html"),
    )
    found = json.loads((tmp_path / "r.json").read_text("ascii"))
    VALID_REPORT.validate(found)
    assert {each["url"]: each["same_as"] for each in found["records"] if each["same_as"]} == {
        site.url("/index.html"): site.url("/")
    }
    assert found["run"]["decoded_bytes"] == 4 * len(page) + len(other)
    note = "1 page with two addresses, such as / and /index.html, counted once"
    assert note in ran.out
    assert not any(f"{site.url('/index.html')}: " in line for line in ran.err)
    (total,) = [line for line in ran.err if "all together" in line]
    assert "4.8 KiB" in total
    assert note in (tmp_path / "r.md").read_text("utf-8")
    text = (tmp_path / "r.html").read_text("utf-8")
    assert f"{note}." in text
    assert "4 \u00d7 1003 B" in text


async def test_links_that_fail_are_shown_by_page(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages["/"] = "<a href=/lost>a</a>"
    await command("-r", site.url("/"), "--report=r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    (section,) = re.findall(r'<section id="links".*?</section>', text, re.DOTALL)
    assert f'<strong class="url">{site.url("/")}</strong>' in section
    assert f'<a href="{site.url("/lost")}"' in section
    assert "404 Not Found" in section
