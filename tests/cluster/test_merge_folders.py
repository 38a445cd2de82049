"""The subcommand ``merge``: the folders of several shards become one, with one journal."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from downloader import Downloaded, Options, Skipped, download_sites
from downloader.cli.merge_folders import run_merge_folders
from downloader.errors import DiskError
from downloader.models import Pack
from tests.support.command import Command, write_list
from tests.support.files import contents, saved_files
from tests.support.handlers import sends
from tests.support.library import downloaded
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.marks import linux_only
from tests.support.web_server import Site

HTML = {"Content-Type": "text/html"}


async def shards(command: Command, count: int, *options: str) -> list[str]:
    """Run all shards of a list, and return their folders."""
    for number in range(1, count + 1):
        await command("list", "-o", f"part-{number}", "--shard", f"{number}/{count}", *options)
    return [f"part-{number}" for number in range(1, count + 1)]


@linux_only
async def test_shards_merge_into_what_one_run_leaves_and_a_run_goes_on_from_there(
    many_hosts: ManyHosts, command: Command
) -> None:
    for number in range(5):
        many_hosts.pages[f"/{number}"] = sends(b"%d" % number, HTML)
    addresses = [
        many_hosts.url(host, path) for host in HOSTS for path in [*many_hosts.pages, "/lost"]
    ]
    write_list(command, addresses)
    whole = await command("list", "-o", "whole")
    parts = await shards(command, 3)
    before = [contents(command.folder / part) for part in parts]
    ran = await command("merge", *parts, "-o", "merged")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out == [f"3 folders: {len(addresses)} URLs merged, 0 already known, 0 left out"]
    assert contents(command.folder / "merged") == contents(command.folder / "whole")
    assert [contents(command.folder / part) for part in parts] == before
    # Their bytes are there once.
    one = next(iter(before[0]))
    assert (command.folder / "merged" / one).samefile(command.folder / parts[0] / one)
    many_hosts.requests.clear()
    again = await command("list", "-o", "merged")
    assert sorted(again.err) == sorted(whole.err)
    assert {request.path for request in many_hosts.requests} == {"/lost"}
    # Once more, and nothing changes.
    ran = await command("merge", *parts, "-o", "merged")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out == [f"3 folders: 0 URLs merged, {len(addresses)} already known, 0 left out"]


@pytest.mark.slow
@linux_only
async def test_packed_shards_merge_too(many_hosts: ManyHosts, command: Command) -> None:
    for number in range(5):
        many_hosts.pages[f"/{number}"] = sends(b"%d" % number, HTML)
    write_list(command, [many_hosts.url(host, path) for host in HOSTS for path in many_hosts.pages])
    parts = await shards(command, 3, "--pack", "warc")
    ran = await command("merge", *parts, "-o", "merged")
    assert (ran.status, ran.err) == (0, [])
    assert len(list((command.folder / "merged").glob("pack-*.warc.gz"))) == 3
    assert len(list((command.folder / "merged").glob("pack-*.cdxj"))) == 3
    many_hosts.requests.clear()
    again = await command("list", "-o", "merged", "--pack", "warc")
    assert (again.status, again.err) == (0, [])
    assert not many_hosts.requests


async def test_of_two_volumes_with_one_name_none_is_taken_for_the_other(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": b"page %d" % number for number in range(4)}
    parts = [tmp_path / "a", tmp_path / "b"]
    for number, part in enumerate(parts):
        urls = [site.url(f"/{2 * number}"), site.url(f"/{2 * number + 1}")]
        await download_sites(urls, part, options=Options(pack=Pack.WARC))
        (volume,) = part.glob("pack-*.warc.gz")
        same = "pack-20261125185559123-9c2f51e0-00001.warc.gz"
        volume.rename(part / same)
        with sqlite3.connect(part / ".download" / "journal.sqlite3") as journal:
            journal.execute("UPDATE urls SET path = ?", (same,))
        journal.close()
    merged = tmp_path / "merged"
    assert run_merge_folders(parts, merged) == 1
    volume = merged / same
    assert volume.samefile(parts[0] / same)
    assert not list(merged.glob("*~"))
    outcomes = await download_sites(
        [site.url(f"/{number}") for number in range(4)], merged, options=Options(pack=Pack.WARC)
    )
    assert [type(each) for each in outcomes] == [Skipped, Skipped, Downloaded, Downloaded]
    # Once more, and nothing changes.
    assert run_merge_folders(parts[:1], merged) == 0


@pytest.mark.slow
@linux_only
async def test_merged_mirrors_lead_to_each_other_after_one_more_run_which_fetches_nothing(
    many_hosts: ManyHosts, command: Command
) -> None:
    def at(host: int) -> str:
        return many_hosts.url(host, f"/{host}")

    for host in HOSTS:
        links = "".join(f'<a href="{at(each)}">' for each in HOSTS)
        many_hosts.pages[f"/{host}"] = sends(f'{links}<img src="/image.png">'.encode(), HTML)
    many_hosts.pages["/image.png"] = sends(b"png", {"Content-Type": "image/png"})
    write_list(command, [at(host) for host in HOSTS])
    await command("list", "-o", "whole", "-m")
    parts = await shards(command, 2, "-m")
    assert (await command("merge", *parts, "-o", "merged")).status == 0
    many_hosts.requests.clear()
    ran = await command("list", "-o", "merged", "-m")
    assert (ran.status, ran.err) == (0, [])
    assert {request.path for request in many_hosts.requests} <= {"/favicon.ico"}
    assert contents(command.folder / "merged") == contents(command.folder / "whole")
    assert (await command("check", "merged")).status == 0


async def test_what_is_done_wins_over_what_is_not(site: Site, tmp_path: Path) -> None:
    (lost,) = await download_sites([site.url()], tmp_path / "a")
    site.pages = {"/": "page"}
    one = downloaded(*await download_sites([site.url()], tmp_path / "b"))
    assert run_merge_folders([tmp_path / "a", tmp_path / "b", tmp_path / "a"], tmp_path / "c") == 0
    assert (tmp_path / "c" / one.path).read_text() == "page"
    (again,) = await download_sites([site.url()], tmp_path / "c")
    assert isinstance(again, Skipped)
    assert not isinstance(lost, Downloaded)


@pytest.mark.slow
async def test_what_cannot_be_merged_is_named_and_left_where_it_is(
    site: Site, command: Command
) -> None:
    site.pages = {"/1": b"one", "/2": b"two", "/3": b"three"}
    for part, numbers in (("a", "1"), ("b", "23")):
        rows = [
            f"{site.url(f'/{number}')},{name}" for number, name in zip(numbers, "xy", strict=False)
        ]
        (command.folder / f"{part}.csv").write_text("\n".join(["url,name", *rows]))
        assert (await command(f"{part}.csv", "-o", part)).status == 0
    (command.folder / "b" / "y").unlink()
    ran = await command("merge", "a", "b", "-o", "c")
    assert ran.status == 1
    assert ran.out == ["2 folders: 1 URL merged, 0 already known, 2 left out"]
    assert ran.err == [
        f"Failed {site.url('/2')}: another URL has the name 'x' in the merged folder (blocked); "
        "merge it into another folder",
        f"Failed {site.url('/3')}: its file y is missing or has changed since it was saved "
        "(blocked); run the shard again",
    ]
    assert contents(command.folder / "c") == {"x": b"one"}
    assert contents(command.folder / "b") == {"x": b"two"}


async def test_a_file_in_the_way_is_kept_and_a_planted_link_is_not_followed(
    site: Site, command: Command
) -> None:
    site.pages = {"/1": b"one", "/d/2": b"two"}
    await command(site.url("/1"), site.url("/d/2"), "-o", "a")
    one, two = f"{site.folder}/1.bin", f"{site.folder}/d/2.bin"
    (command.folder / "elsewhere").mkdir()
    (command.folder / "c" / site.folder).mkdir(parents=True)
    (command.folder / "c" / one).write_text("mine")
    (command.folder / "c" / site.folder / "d").symlink_to(command.folder / "elsewhere")
    ran = await command("merge", "a", "-o", "c")
    assert ran.status == 1
    assert ran.err == [
        f"Failed {site.url('/d/2')}: {two} cannot be saved: Not a directory (blocked); "
        "another file or folder is in the way"
    ]
    assert (command.folder / "c" / one).read_bytes() == b"one"
    assert (command.folder / "c" / f"{one}.~1~").read_text() == "mine"
    assert not list((command.folder / "elsewhere").iterdir())


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'DIR|REPORT...'."),
        (("--demo", "part"), "No such option '--demo'"),
        (("part", "--report", "x.csv"), "--report is for merging reports, not folders"),
        (("part", "-o", "s3://bucket/x"), "merge reads and writes folders of this machine"),
        (("s3://bucket/x",), "merge reads and writes folders of this machine, not stores"),
        (("nothing",), "nothing is not a folder; name output folders to merge"),
        (("empty",), "empty is not an output folder of this program; name output folders to merge"),
        (
            ("part", "empty", "-o", "merged"),
            "empty is not an output folder of this program; name output folders to merge",
        ),
        (("part", "-o", "part"), "part is the folder to merge into; see --output"),
        (("part", "broken"), "the journal broken/.download/journal.sqlite3 is broken"),
    ],
)
async def test_what_is_no_folder_of_a_run_is_refused(
    site: Site, command: Command, arguments: tuple[str, ...], said: str
) -> None:
    site.pages = {"/": "page"}
    (command.folder / "empty").mkdir()
    await command(site.url(), "-o", "part")
    (command.folder / "broken" / ".download").mkdir(parents=True)
    (command.folder / "broken" / ".download" / "journal.sqlite3").write_bytes(b"broken" * 1000)
    ran = await command("merge", *arguments)
    assert ran.status == 2
    assert said in ran.err[-1]
    assert not (command.folder / "merged").exists()


@pytest.mark.parametrize("column", ["path", "base"])
@pytest.mark.parametrize(
    "name",
    ["../secret", "/secret", "a/../../secret", ".download/secret", "a//b", "..\\secret", "c:d"],
)
async def test_a_journal_does_not_lead_out_of_the_merged_folder(
    site: Site, tmp_path: Path, column: str, name: str
) -> None:
    site.pages = {"/1": b"page"}
    theirs, merged = tmp_path / "theirs", tmp_path / "below" / "merged"
    await download_sites([site.url("/1")], theirs)
    with sqlite3.connect(theirs / ".download" / "journal.sqlite3") as journal:
        journal.execute(f"UPDATE urls SET {column} = ?", (name,))
    journal.close()
    for place in (tmp_path / "secret", theirs / ".download" / "secret"):
        place.write_bytes(b"page")
    assert run_merge_folders([theirs], merged) == 1
    assert contents(merged) == {}
    assert [each.name for each in merged.parent.iterdir()] == ["merged"]
    assert [each.name for each in (merged / ".download").iterdir()] == ["journal.sqlite3"]


async def test_a_folder_in_use_is_refused(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    await command(site.url(), "-o", "part")
    held = sqlite3.connect(command.folder / "part" / ".download" / "journal.sqlite3")
    held.execute("PRAGMA locking_mode = EXCLUSIVE")
    held.execute("BEGIN EXCLUSIVE")
    ran = await command("merge", "part", "-o", "merged")
    held.close()
    assert ran.status == 2
    assert ran.err == [
        "download: another run is using the folder part; wait for it, or choose another --output"
    ]


async def test_without_second_names_for_files_they_are_copied(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another device")

    site.pages = {"/": b"page"}
    one = downloaded(*await download_sites([site.url()], tmp_path / "a"))
    monkeypatch.setattr(os, "link", refuse)
    assert run_merge_folders([tmp_path / "a"], tmp_path / "b") == 0
    first, second = tmp_path / "a" / one.path, tmp_path / "b" / one.path
    assert second.read_bytes() == b"page"
    assert not second.samefile(first)
    assert second.stat().st_mtime == first.stat().st_mtime
    assert saved_files(tmp_path / "b") == {one.path}


async def test_a_volume_is_copied_once_however_much_is_in_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages = {f"/{number}": b"page %d" % number for number in range(5)}
    urls = [site.url(path) for path in site.pages]
    await download_sites(urls, tmp_path / "part", options=Options(pack=Pack.WARC))
    copied = []

    def link(_one: str, other: str, **_how: object) -> None:
        copied.append(other)
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    assert run_merge_folders([tmp_path / "part"], tmp_path / "merged") == 0
    assert sorted(name.partition(".")[2] for name in copied) == ["cdxj.part", "warc.gz.part"]


async def test_a_full_disk_ends_the_merge_and_what_is_merged_stays(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    site.pages = {"/": b"page"}
    await download_sites([site.url()], tmp_path / "a")
    with monkeypatch.context() as full:
        full.setattr(os, "link", refuse)
        with pytest.raises(DiskError, match="No space left"):
            run_merge_folders([tmp_path / "a"], tmp_path / "b")
    assert not saved_files(tmp_path / "b")
    assert run_merge_folders([tmp_path / "a"], tmp_path / "b") == 0
    assert len(saved_files(tmp_path / "b")) == 1


async def test_a_shard_with_a_broken_journal_is_refused_each_time_and_left_alone(
    site: Site, command: Command
) -> None:
    site.pages = {"/": "page"}
    await command(site.url(), "-o", "part")
    journal = command.folder / "part" / ".download" / "journal.sqlite3"
    journal.write_bytes(b"broken" * 1000)
    for _ in range(2):
        ran = await command("merge", "part", "-o", "merged")
        assert (ran.status, ran.out) == (2, [])
        assert ran.err == [
            "download: the journal part/.download/journal.sqlite3 is broken; "
            "run the command for that folder again"
        ]
    assert journal.read_bytes() == b"broken" * 1000
    assert not list(journal.parent.glob("*.broken-*"))
