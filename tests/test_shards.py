"""``--shard K/N``: several runs that know nothing of each other share a list by its hosts."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Options, Skipped, Target, download_sites
from downloader.errors import ErrorKind
from downloader.models import Failed
from downloader.models.shards import Shard
from downloader.sources import ShardFilter
from downloader.web.urls import Url
from tests import test_processes
from tests.conftest import Command, Ran, Site, saved_files
from tests.runs import sends
from tests.test_processes import HOSTS, Town, linux, redirect, tree, write_list

town = test_processes.town
command = test_processes.command


def summary(ran: Ran) -> str:
    return ran.out[-1]


# --- whose a host is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://www.python.org/", 1),
        ("http://www.python.org:8080/3", 1),
        ("http://user:secret@www.python.org./", 1),
        ("https://docs.python.org/", 4),
        ("https://xn--bcher-kva.example/", 2),
        ("http://127.0.0.1:8081/", 1),
        ("http://[::1]/", 3),
    ],
)
def test_a_host_is_of_the_same_shard_on_every_machine(url: str, number: int) -> None:
    assert [k for k in range(1, 5) if Shard(k, 4).owns(Url(url))] == [number]


@given(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,9}){0,3}", fullmatch=True),
    st.integers(1, 500),
)
def test_the_documented_rule_is_the_rule(name: str, count: int) -> None:
    # As docs/scaling.md tells: b2sum -l 64 of the name, modulo N, plus 1.
    digest = int(hashlib.blake2b(name.encode(), digest_size=8).hexdigest(), 16)
    assert Shard(digest % count + 1, count).owns(Url(f"https://{name}:8443/a"))


@pytest.mark.parametrize(
    "text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/4/2", "1.5/4", "/", "1/" + "9" * 5000]
)
async def test_what_is_no_shard_is_refused_with_the_way_to_write_it(
    command: Command, text: str
) -> None:
    ran = await command("https://127.0.0.1/", "--shard", text)
    assert ran.status == 2
    assert "--shard" in ran.err[-1]
    assert len(ran.err) <= 4


# --- a list, shared -------------------------------------------------------------------------------


@linux
async def test_shards_together_do_what_one_run_does_and_share_no_host(
    town: Town, command: Command
) -> None:
    for number in range(5):
        town.pages[f"/{number}"] = sends(b"%d" % number, {"Content-Type": "text/html"})
    addresses = [town.url(host, path) for host in HOSTS for path in [*town.pages, "/lost"]]
    write_list(command, [*addresses, *addresses[:5], "no address://", "ftp://127.0.0.1/"])
    whole = await command("list", "-o", "whole")
    seen: list[set[str]] = []
    ran: list[Ran] = []
    for number in range(1, 4):
        town.requests.clear()
        ran.append(await command("list", "-o", f"{number}", "--shard", f"{number}/3"))
        seen.append({request.host for request in town.requests})
    assert set.union(*seen) == {town.url(host)[7:-1] for host in HOSTS}
    assert sum(map(len, seen)) == len(HOSTS)
    folders = [tree(command.folder / f"{number}") for number in range(1, 4)]
    assert {path: body for folder in folders for path, body in folder.items()} == tree(
        command.folder / "whole"
    )
    # Every line has one outcome, in one of the runs; and each run counts those of the others.
    assert sorted(line for each in ran for line in each.err) == sorted(whole.err)
    lines = len(addresses) + 7
    for each in ran:
        own = int(summary(each).partition(" ")[0])
        assert summary(each).endswith(f"; {lines - own} URLs of other shards")
    assert sum(int(summary(each).partition(" ")[0]) for each in ran) == lines


@linux
@pytest.mark.parametrize("source", ["-", "list.csv", "list.jsonl", "sitemap.xml", "addresses"])
async def test_lists_of_every_kind_are_shared(town: Town, command: Command, source: str) -> None:
    town.pages["/"] = sends(b"page")
    addresses = [town.url(host) for host in HOSTS]
    text = {
        "list.csv": "\n".join(["url", *addresses]),
        "list.jsonl": "\n".join(f'{{"url": "{each}"}}' for each in addresses),
        "sitemap.xml": "<urlset>"
        + "".join(f"<url><loc>{each}</loc></url>" for each in addresses)
        + "</urlset>",
    }.get(source, "")
    (command.folder / source).write_text(text)
    sources = addresses if source == "addresses" else [source]
    for number in (1, 2):
        stdin = "\n".join(addresses).encode()
        ran = await command(*sources, "--shard", f"{number}/2", stdin=stdin)
        assert (ran.status, ran.err) == (0, [])
    # Both in one folder: a shard is no property of the folder.
    assert len(saved_files(command.folder / "downloaded_sites")) == len(HOSTS)
    assert len(town.requests) == len(HOSTS)


async def test_the_file_and_the_variable_tell_the_shard_too(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    other = "1/4" if Shard(4, 4).owns(Url(site.url())) else "4/4"
    (command.folder / "c.toml").write_text(f'shard = "{other}"')
    ran = await command(site.url(), "--config", "c.toml")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[-1].startswith("0 URLs: 0 downloaded")
    assert ran.out[-1].endswith("; 1 URL of other shards")
    command.environment["DOWNLOAD_SHARD"] = "1/1"
    assert (await command(site.url(), "--config", "c.toml")).out[-1].startswith("1 URL: 1 down")


async def test_the_library_shares_a_list(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": "page"}
    outcomes = [
        await download_sites([site.url()], tmp_path, options=Options(shard=Shard(number, 2)))
        for number in (1, 2, 1, 2)
    ]
    assert sorted(map(len, outcomes)) == [0, 0, 1, 1]
    assert all(isinstance(each, Skipped) for some in outcomes[2:] for each in some)


def test_a_line_without_a_host_is_the_first_shards_and_a_lost_list_everybodys() -> None:
    bad = Failed(index=0, origin="a:1", url="a b", kind=ErrorKind.BAD_URL, message="no")
    lost = Failed(index=1, origin="a:2", url="http://a/s.xml", kind=ErrorKind.DNS, message="no")
    line = Target(url=Url("https://www.python.org/"))
    shares = [ShardFilter(Shard(number, 4)) for number in range(1, 5)]
    assert [list(share.select([bad, lost, line])) for share in shares] == [
        [bad, lost, line],
        [lost],
        [lost],
        [lost],
    ]
    assert [share.others for share in shares] == [0, 2, 2, 2]


# --- beyond the list ------------------------------------------------------------------------------


def owned(town: Town, number: int, count: int) -> list[int]:
    """Return the hosts that a shard has."""
    return [host for host in HOSTS if Shard(number, count).owns(Url(town.url(host)))]


@linux
async def test_a_redirect_is_followed_to_whosever_host(town: Town, command: Command) -> None:
    ours, theirs = owned(town, 1, 2)[0], owned(town, 2, 2)[0]
    town.pages |= {"/": redirect(town.url(theirs, "/new")), "/new": sends(b"page")}
    ran = await command(town.url(ours), "--shard", "1/2")
    assert (ran.status, ran.err) == (0, [])
    assert [request.path for request in town.requests] == ["/", "/new"]


@linux
async def test_a_mirror_follows_its_own_links_and_has_all_that_its_pages_need(
    town: Town, command: Command
) -> None:
    ours, also, *_ = owned(town, 1, 2)
    theirs = owned(town, 2, 2)[0]
    html = {"Content-Type": "text/html"}
    town.pages |= {
        "/": sends(
            f'<img src="{town.url(theirs, "/needed.png")}"><a href="{town.url(also, "/own")}">'
            f'<a href="{town.url(theirs, "/other")}">'.encode(),
            html,
        ),
        "/own": sends(b"own", html),
        "/other": sends(b"other", html),
        "/needed.png": sends(b"png", {"Content-Type": "image/png"}),
    }
    ran = await command(town.url(ours), "--shard", "1/2", "-r", "--span-hosts", "--no-robots")
    asked = {request.path for request in town.requests} - {"/favicon.ico"}
    assert asked == {"/", "/own", "/needed.png"}
    assert ran.err == [
        "download: some links were not followed, because their hosts belong to other shards: "
        + town.url(theirs, "/other")
    ]
