"""The subcommand ``links``, as a user types it."""

import asyncio
import json
import signal
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from tests.support.command import Command, finished
from tests.support.handlers import in_turn, redirect, sends
from tests.support.link_site import CASES, Expected, link_site
from tests.support.web_server import Handler, Site


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
    assert ran.out[:-2] == [
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
    assert ran.out[-2].startswith("2 documents read, 4 URLs asked in ")
    assert ran.out[-1] == "6 links: 3 ok, 0 warnings, 3 broken"
    report = json.loads((command.folder / "r.json").read_text())
    assert [each["kind"] for each in report["links"]] == [
        *("http-status", "http-status", "missing-fragment")
    ]
    assert report["links"][0]["mentions"] == [
        {"page": f"{url}/", "line": 3, "construct": "a[href]"}
    ]
    assert [each["url"] for each in report["pages"]] == [f"{url}/", f"{url}/a"]


async def test_every_kind_of_link_gets_the_verdict_that_it_deserves(command: Command) -> None:
    async with link_site() as site:
        ran = await command(
            *("links", "-r", f"{site.site}/", "--retries", "0", "--read-timeout", "1"),
            *("--report", "r.json", "--host-rule", "127.0.0.1: delay=0s"),
        )
        report = json.loads((command.folder / "r.json").read_text())
        found = {each["url"]: (each["verdict"], each["kind"]) for each in report["links"]}
        expected = {
            site.filled(case.link): (case.expected.value, case.kind)
            for case in CASES
            if case.expected in (Expected.BROKEN, Expected.WARNING)
        }
        assert found == expected
    assert ran.status == 1
    # Where redirects lead to is asked for each of them; a closed connection may have been idle.
    again = ("/loop", "/ok", "/gone", "/moved", "/temporary", "/closes", "/head-closes")
    repeated = [each for each, times in Counter(site.requests).items() if times > 1]
    assert [each for each in repeated if not each.split(" ")[2].startswith(again)] == []


async def problems(command: Command, *arguments: str | Path) -> dict[str, str]:
    """Return the kind of each broken link and warning; empty for none."""
    ran = await command("links", *arguments, "--report", "r.json", "--retries", "0")
    assert ran.status in (0, 1), ran.err
    report = json.loads((command.folder / "r.json").read_text())
    assert ran.status == any(each["verdict"] == "broken" for each in report["links"])
    return {each["url"]: each["kind"] for each in report["links"]}


async def counts(command: Command) -> dict[str, int]:
    """Return the counts of the last report."""
    report: dict[str, dict[str, int]] = json.loads((command.folder / "r.json").read_text())
    return report["run"]


async def test_pages_are_read_as_far_as_level_robots_and_nofollow_let_them(
    command: Command, site: Site
) -> None:
    site.pages |= {
        "/robots.txt": "User-agent: *\nDisallow: /private",
        "/": "<a href=/1>1</a><a href=/private>p</a><a rel=nofollow href=/n>n</a>",
        "/1": "<a href=/2>2</a><a href=/gone-1>g</a>",
        "/2": "<a href=/gone-2>g</a>",
        "/n": "<a href=/gone-n>g</a>",
        "/private": "<a href=/gone-p>g</a>",
    }
    found = await problems(command, "-l", "1", site.url())
    assert found == {site.url("/gone-1"): "http-status"}
    run = await counts(command)
    assert (run["pages"], run["disallowed"]) == (2, 1)
    assert "/private" not in {request.path for request in site.requests}
    # Deeper pages, and those that robots are not to follow, are asked and not read.
    assert {"/2", "/n"} <= {request.path for request in site.requests}
    found = await problems(command, "-r", "--no-robots", site.url())
    assert {url.rpartition("/")[2] for url in found} == {*("gone-1", "gone-2", "gone-n", "gone-p")}


async def test_a_page_is_as_deep_as_its_shortest_way_whatever_the_speed_of_servers(
    command: Command, site: Site
) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        # Without an order of pages, /deeper and /target would be asked in this time.
        await asyncio.sleep(0.5)
        return await sends(b"<a href=/target>t</a>", {"Content-Type": "text/html"})(request)

    site.pages |= {
        "/": "<a href=/quick>q</a><a href=/slow>s</a>",
        "/quick": "<a href=/deeper>d</a>",
        "/deeper": "<a href=/target>t</a>",
        "/slow": slow,
        "/target": "<a href=/gone>g</a>",
    }
    found = await problems(command, "-l", "2", site.url())
    assert found == {site.url("/gone"): "http-status"}


async def test_a_host_that_asks_for_fewer_requests_is_waited_for(
    command: Command, site: Site
) -> None:
    busy = sends(status=429, headers={"Retry-After": "1"})
    site.pages |= {
        "/": "<img src=/busy-once><img src=/busy>",
        "/busy-once": in_turn(busy, sends(b"x")),
        "/busy": sends(status=429, headers={"Retry-After": "3600"}),
    }
    ran = await command("links", site.url(), "--retries", "1", "--report", "r.json")
    assert ran.status == 0
    assert "         warning: not checked: 429 Too Many Requests" in "\n".join(ran.out)
    assert [request.method for request in site.requests if request.path == "/busy"] == ["HEAD"]


async def test_a_host_that_never_answers_is_given_up(command: Command, site: Site) -> None:
    async def close(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    other = site.url().replace("127.0.0.1", "localhost")
    site.pages["/"] = "".join(f"<img src='{other}{number}'>" for number in range(60))
    site.pages |= {f"/{number}": close for number in range(60)}
    found = await problems(command, site.url(), "--host-rule", "localhost: delay=0s")
    assert set(found.values()) == {"connect", "timeout"}
    assert len(found) == 60
    # aiohttp makes some of the 120 requests twice.
    assert len(site.requests) < 80


async def test_links_are_excluded_by_patterns_hosts_and_their_fragments(
    command: Command, site: Site
) -> None:
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages |= {
        "/": f"<a href=/draft/1>1</a><a href=/ok#L10>2</a><a href='{other}gone'>3</a>",
        "/ok": "x",
    }
    rule = "localhost: exclude"
    found = await problems(
        command, site.url(), "--exclude", "/draft/", "--exclude", r"#L\d+$", "--host-rule", rule
    )
    assert found == {}
    assert {request.path for request in site.requests} == {"/", "/ok"}
    assert (await counts(command))["excluded"] == 2


async def test_statuses_are_accepted_everywhere_or_for_a_host(command: Command, site: Site) -> None:
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages |= {
        "/": f"<a href=/403>1</a><a href='{other}403'>2</a><a href='{other}999'>3</a>",
        "/403": sends(status=403),
        "/999": sends(status=999),
    }
    found = await problems(
        command, site.url(), "--host-rule", "localhost: accept-status=200..299,403,999; get"
    )
    assert found == {site.url("/403"): "http-status"}
    assert [request.method for request in site.requests if request.path == "/999"] == ["GET"]
    found = await problems(command, site.url(), "--accept-status", "200-299,403")
    assert found == {f"{other}999": "http-status"}


async def test_only_what_works_is_remembered_between_runs(command: Command, site: Site) -> None:
    command.environment["XDG_CACHE_HOME"] = str(command.folder / "cache")
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages |= {
        "/": f"<a href='{other}ok'>1</a><a href='{other}gone'>2</a><a href='{other}moved'>3</a>",
        "/ok": "x",
        "/moved": moved_permanently("/ok"),
    }
    expected = {f"{other}gone": "http-status", f"{other}moved": "moved"}
    assert await problems(command, site.url(), "--max-age", "1d") == expected
    site.requests.clear()
    assert await problems(command, site.url(), "--max-age", "1d") == expected
    assert {request.path for request in site.requests} == {"/", "/gone"}
    site.requests.clear()
    await problems(command, site.url(), "--max-age", "0s")
    assert {request.path for request in site.requests} == {"/", "/ok", "/gone", "/moved"}
    # A cache that is none costs a warning.
    (command.folder / "cache" / "download" / "links.sqlite3").write_bytes(b"no database" * 999)
    ran = await command("links", site.url(), "--max-age", "1d")
    assert ran.status == 1
    assert any("results are not cached" in line for line in ran.err)


async def test_fragments_of_other_hosts_are_looked_up_if_asked_for(
    command: Command, site: Site
) -> None:
    other = site.url().replace("127.0.0.1", "localhost")
    site.pages |= {"/": f"<a href='{other}a#no'>1</a><a href='{other}a'>2</a>", "/a": "<p id=x>"}
    assert await problems(command, site.url()) == {}
    found = await problems(command, site.url(), "--include-fragments")
    assert found == {f"{other}a#no": "missing-fragment"}
    site.requests.clear()
    assert await problems(command, site.url(), "--offline") == {}
    assert {request.path for request in site.requests} == {"/"}


async def test_lines_of_lists_are_checked_as_pages_are(command: Command, site: Site) -> None:
    site.pages |= {"/a": "<a href=/gone>x</a>", "/b": redirect("/a")}
    (command.folder / "list.txt").write_text(
        f"{site.url('/a')}\nhttp://exa mple/\n{site.url('/b')}\n{site.url('/no')}\n"
    )
    ran = await command("links", "list.txt")
    url = site.url("")
    assert ran.out[:-3] == [
        "list.txt",
        "      2  http://exa mple/",
        "         not a web address",
        f"      4  {url}/no",
        "         404 Not Found",
        f"{url}/a",
        f"      1  {url}/gone",
        "         404 Not Found",
    ]
    # The page that two lines lead to is read once.
    assert ran.out[-2].startswith("1 document read, ")


async def test_a_check_that_is_interrupted_reports_what_it_has_found(
    command: Command, site: Site
) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    site.pages |= {"/": "<a href=/gone>1</a><a href=/hangs>2</a>", "/hangs": hang}
    process = await command.start("links", site.url(), "--report", "r.json")
    await site.asked(4)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    ran = await finished(process)
    assert ran.status == 130
    assert "         404 Not Found" in ran.out
    run = await counts(command)
    assert (run["broken"], run["not_checked"], run["complete"]) == (1, 1, False)


async def test_a_folder_is_checked_as_a_site_and_nothing_outside_is_read(
    command: Command,
) -> None:
    folder = command.folder / "public"
    (folder / "sub").mkdir(parents=True)
    (command.folder / "secret.html").write_text("<p id=x>")
    (folder / "link.html").symlink_to(command.folder / "secret.html")
    (folder / "index.html").write_text(
        "<a href=/sub/>1</a>\n<a href=sub#part>2</a><a href=/sub/index.html#no>3</a>\n"
        "<a href=link.html>4</a><a href=../secret.html#x>5</a><img src='a%20b.png'>"
    )
    (folder / "a b.png").write_bytes(b"x")
    (folder / "sub" / "index.html").write_text("<p id=part><a href='/'>home</a>")
    found = await problems(command, "public")
    assert found == {
        "public/sub/index.html#no": "missing-fragment",
        "public/link.html": "missing-file",
        "public/secret.html": "missing-file",
    }
    # One document is read alone; what it links to need only be there.
    (folder / "sub" / "one.html").write_text("<a href=index.html#part>1</a><a href=two.html>2</a>")
    found = await problems(command, "public/sub/one.html")
    assert found == {"public/sub/two.html": "missing-file"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Error: name a SOURCE"),
        (("--accept-status", "20"), "'20' is no HTTP status; write e.g. 200..299,403"),
        (("--exclude", "("), "'(' is no regular expression"),
        (("--host-rule", "x"), "'x' is no rule; write HOST: SETTING; SETTING"),
        (("--host-rule", "a.test: speed=1"), "'speed=1' is no setting of a host"),
        (("missing.txt",), "download: there is no list missing.txt"),
        (("http://a.test/", "--report", "r.parquet"), "an ending of no report of links"),
        (("http://a.test/", "--no-cookies", "--save-cookies", "c"), "cannot be combined"),
    ],
)
async def test_mistakes_are_usage_errors(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    ran = await command("links", *arguments)
    assert ran.status == 2
    assert said in ran.err[-1]


@pytest.mark.slow
async def test_a_page_with_a_million_links_and_hostile_ones_costs_no_more_than_its_limits(
    command: Command, site: Site
) -> None:
    hostile = [
        "JaVaScRiPt:x",
        "vbscript:x",
        "//[",
        "http://a:b@c:d/",
        "\\\\x",
        "\x1b[31m",
        "h" * 9000,
    ]
    links = [f"<a href='{each}'>" for each in hostile] + ["<a href=/ok#x>"] * 300_000
    site.pages |= {"/": "\n".join(links), "/ok": "<p id=x>"}
    ran = await command("links", site.url(), "--report", "r.json")
    assert ran.status == 1
    assert any("only its first 250,000 links are read" in line for line in ran.err)
    assert not any("\x1b" in line for line in [*ran.out, *ran.err])
    assert (await counts(command))["requests"] <= 5


async def test_a_certificate_that_expires_soon_is_a_warning(command: Command) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(command.folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    soon = datetime.now(UTC) + timedelta(days=5, hours=1)
    authority.issue_cert("127.0.0.1", not_after=soon).configure_cert(tls)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        ran = await command("links", url, "--cacert", "ca.pem")
        assert ran.status == 0
        assert ran.out[2] == (
            f"         warning: the certificate expires on {soon.date()}, in 5 days"
        )
        ran = await command("links", url, "--cacert", "ca.pem", "--cert-days", "5")
        assert ran.out[1:] == ["1 link: 1 ok, 0 warnings, 0 broken"]


def moved_permanently(location: str) -> Handler:
    return sends(status=301, headers={"Location": location})
