"""``--shard K/N``: several runs that know nothing of each other share a list by its hosts."""

from pathlib import Path

import pytest

from downloader import Options, Skipped, download_sites
from downloader.models.shards import Shard
from downloader.web.urls import Url
from tests.support.command import Command, CommandResult, write_list
from tests.support.files import contents, saved_files
from tests.support.handlers import redirect, sends
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.marks import linux_only
from tests.support.web_server import Site


def summary(ran: CommandResult) -> str:
    return ran.out[-1]


# --- whose a host is ------------------------------------------------------------------------------


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize(
    "text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/4/2", "1.5/4", "/", "1/" + "9" * 5000]
)
async def test_what_is_no_shard_is_refused_with_the_way_to_write_it(
    command: Command, text: str
) -> None:
    ran = await command("https://127.0.0.1/", "--shard", text)
    assert ran.status == 2
    assert "--shard" in ran.err[-1]
    assert len(ran.err) <= 5


# --- a list, shared -------------------------------------------------------------------------------


@linux_only
async def test_shards_together_do_what_one_run_does_and_share_no_host(
    many_hosts: ManyHosts, command: Command
) -> None:
    for number in range(5):
        many_hosts.pages[f"/{number}"] = sends(b"%d" % number, {"Content-Type": "text/html"})
    addresses = [
        many_hosts.url(host, path) for host in HOSTS for path in [*many_hosts.pages, "/lost"]
    ]
    write_list(command, [*addresses, *addresses[:5], "no address://", "ftp://127.0.0.1/"])
    whole = await command("list", "-o", "whole")
    seen: list[set[str]] = []
    ran: list[CommandResult] = []
    for number in range(1, 4):
        many_hosts.requests.clear()
        ran.append(await command("list", "-o", f"{number}", "--shard", f"{number}/3"))
        seen.append({request.host for request in many_hosts.requests})
    assert set.union(*seen) == {many_hosts.url(host)[7:-1] for host in HOSTS}
    assert sum(map(len, seen)) == len(HOSTS)
    folders = [contents(command.folder / f"{number}") for number in range(1, 4)]
    assert {path: body for folder in folders for path, body in folder.items()} == contents(
        command.folder / "whole"
    )
    # Every line has one outcome, in one of the runs; and each run counts those of the others.
    assert sorted(line for each in ran for line in each.err) == sorted(whole.err)
    lines = len(addresses) + 7
    for each in ran:
        own = int(summary(each).partition(" ")[0])
        assert summary(each).endswith(f"; {lines - own} URLs of other shards")
    assert sum(int(summary(each).partition(" ")[0]) for each in ran) == lines


@pytest.mark.slow(keep=2)
@linux_only
@pytest.mark.parametrize("source", ["-", "list.csv", "list.jsonl", "sitemap.xml", "addresses"])
async def test_lists_of_every_kind_are_shared(
    many_hosts: ManyHosts, command: Command, source: str
) -> None:
    many_hosts.pages["/"] = sends(b"page")
    addresses = [many_hosts.url(host) for host in HOSTS]
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
    assert len(many_hosts.requests) == len(HOSTS)


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


# --- beyond the list ------------------------------------------------------------------------------


def owned(many_hosts: ManyHosts, number: int, count: int) -> list[int]:
    """Return the hosts that a shard has."""
    return [host for host in HOSTS if Shard(number, count).owns(Url(many_hosts.url(host)))]


@linux_only
async def test_a_redirect_is_followed_to_whosever_host(
    many_hosts: ManyHosts, command: Command
) -> None:
    ours, theirs = owned(many_hosts, 1, 2)[0], owned(many_hosts, 2, 2)[0]
    many_hosts.pages |= {"/": redirect(many_hosts.url(theirs, "/new")), "/new": sends(b"page")}
    ran = await command(many_hosts.url(ours), "--shard", "1/2")
    assert (ran.status, ran.err) == (0, [])
    assert [request.path for request in many_hosts.requests] == ["/", "/new"]


@linux_only
async def test_a_mirror_follows_its_own_links_and_has_all_that_its_pages_need(
    many_hosts: ManyHosts, command: Command
) -> None:
    ours, also, *_ = owned(many_hosts, 1, 2)
    theirs = owned(many_hosts, 2, 2)[0]
    html = {"Content-Type": "text/html"}
    many_hosts.pages |= {
        "/": sends(
            f'<img src="{many_hosts.url(theirs, "/needed.png")}">'
            f'<a href="{many_hosts.url(also, "/own")}">'
            f'<a href="{many_hosts.url(theirs, "/other")}">'.encode(),
            html,
        ),
        "/own": sends(b"own", html),
        "/other": sends(b"other", html),
        "/needed.png": sends(b"png", {"Content-Type": "image/png"}),
    }
    ran = await command(many_hosts.url(ours), "--shard", "1/2", "-r", "--span-hosts", "--no-robots")
    asked = {request.path for request in many_hosts.requests} - {"/favicon.ico"}
    assert asked == {"/", "/own", "/needed.png"}
    assert ran.err == [
        "download: some links were not followed, because their hosts belong to other shards: "
        + many_hosts.url(theirs, "/other")
    ]
