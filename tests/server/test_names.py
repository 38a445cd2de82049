"""Names of files by options: templates, fewer folders, and what a second run makes of them."""

from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.web_server import Site

PAGE = "<!DOCTYPE html><title>Page</title>"


def _files(command: Command, folder: str = "downloaded_sites") -> set[str]:
    return set(saved_files(command.folder / folder))


async def test_a_template_names_files_and_the_second_run_finds_them_without_a_request(
    site: Site, command: Command
) -> None:
    site.pages = {"/a/b?id=7": PAGE, "/c/b": PAGE, "/logo.png": b"PNG"}
    urls = [site.url(path) for path in site.pages]
    options = ["--name-template", "{scheme}/{stem}{ext}"]
    first = await command(*urls, *options)
    assert (first.status, first.err) == (0, [])
    files = _files(command)
    assert {"http/b.html", "http/logo.png"} < files
    [hashed] = files - {"http/b.html", "http/logo.png"}
    assert hashed.startswith("http/b~")
    requests = len(site.requests)
    second = await command(*urls, *options)
    assert second.status == 0
    assert second.out[-1].startswith("3 URLs: 0 downloaded, 0 unchanged, 3 skipped, 0 failed")
    assert len(site.requests) == requests
    assert _files(command) == files


async def test_another_template_names_saved_files_anew(site: Site, command: Command) -> None:
    site.pages = {"/a/b": PAGE}
    await command(site.url("/a/b"))
    ran = await command(site.url("/a/b"), "--name-template", "{name}")
    assert f"Downloaded downloaded_sites/b.html: {len(PAGE)} characters" in ran.out
    assert _files(command) == {"b.html", f"{site.folder}/a/b.html"}
    again = await command(site.url("/a/b"), "--name-template", "{name}")
    assert again.out[0].startswith("Skipped ")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--name-template", "{isbn}"], "there is no field {isbn}"),
        (["--name-template", "{host"], "the brace at character 1 has no counterpart"),
        (["--name-template", "../{name}"], "it leads out of the output folder"),
        (["--name-template", "{name}", "-m"], "--mirror names files itself; see -nH"),
        (["--name-template", "{name}", "-nH"], "leave out --no-host-directories"),
        (["--cut-dirs", "-1"], "it must be at least 0"),
    ],
)
async def test_naming_options_that_cannot_be_used_are_refused_before_any_request(
    site: Site, command: Command, options: list[str], problem: str
) -> None:
    ran = await command(site.url("/"), *options)
    assert ran.status == 2
    assert problem in ran.err[-1]
    assert site.requests == []
    assert list(command.folder.iterdir()) == []


async def test_a_line_without_the_column_fails_alone(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE}
    ran = await command(site.url("/a"), "--name-template", "{column.isbn}")
    assert ran.status == 1
    assert ran.err == [
        f"Failed {site.url('/a')}: --name-template: the line has no column 'isbn' (blocked); "
        "use a column that every line has"
    ]


async def test_names_of_a_list_are_cleaned_and_kept_by_the_next_run(
    site: Site, command: Command
) -> None:
    site.pages = {f"/{number}": PAGE for number in range(4)}
    names = ["AC: DC", "AC? DC", "sub\\x.html", "../out"]
    rows = [f"{site.url(f'/{number}')},{name}\n" for number, name in enumerate(names)]
    (command.folder / "list.csv").write_text("url,name\n" + "".join(rows))
    ran = await command("list.csv")
    assert ran.status == 1
    assert ran.err == [
        f"Failed {site.url('/3')}: the name '../out' leads out of the output folder (blocked); "
        "give a relative path"
    ]
    files = _files(command)
    [hashed] = files - {"AC_ DC", "sub/x.html"}
    assert hashed.startswith("AC_ DC~")
    requests = len(site.requests)
    again = await command("list.csv")
    assert "3 skipped" in again.out[-1]
    assert len(site.requests) == requests
    assert _files(command) == files


async def test_folders_are_left_out_and_no_two_urls_share_a_file(
    site: Site, command: Command
) -> None:
    site.pages = {"/a/x.html": PAGE, "/b/x.html": PAGE, "/": PAGE}
    ran = await command(*map(site.url, site.pages), "-nH", "--cut-dirs", "1")
    assert ran.status == 0
    files = _files(command)
    assert {"x.html", "index.html"} < files
    assert len(files) == 3


async def test_a_mirror_has_fewer_folders_and_its_links_lead_to_the_right_files(
    site: Site, command: Command
) -> None:
    other = site.url("/style.css").replace("127.0.0.1", "localhost")
    site.pages = {
        "/docs/": f"<link rel=stylesheet href='{other}'><a href='sub/page.html'>page</a>"
        "<link rel=stylesheet href='/style.css'>",
        "/docs/sub/page.html": "<a href='/docs/'>up</a><a href='/style/page.html'>other</a>",
        "/style/page.html": "<a href='../docs/sub/page.html'>first</a>",
        "/style.css": "p {}",
    }
    ran = await command(site.url("/docs/"), "-r", "-nH", "--cut-dirs", "1", "-o", "copy")
    assert ran.status == 0, ran.err
    files = _files(command, "copy")
    assert {"index.html", "sub/page.html", "page.html"} <= files
    assert len([name for name in files if name.startswith("style")]) == 2
    page = (command.folder / "copy" / "sub" / "page.html").read_text()
    assert page == "<a href='../index.html'>up</a><a href='../page.html'>other</a>"
    checked = await command("check", "copy")
    assert checked.status == 0, checked.err
    again = await command(site.url("/docs/"), "-r", "-nH", "--cut-dirs", "1", "-o", "copy")
    assert again.status == 0
    assert _files(command, "copy") == files


async def test_another_process_gives_the_same_names(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages = {f"/{number}/x?{number}": PAGE for number in range(8)}
    urls = list(map(site.url, site.pages))
    template = ["--name-template", "{stem}{ext}"]
    await command(*urls, *template, "-o", "one")
    await command(*urls, *template, "-o", "two", "--processes", "2")
    assert _files(command, "one") == _files(command, "two")
    assert len(_files(command, "one")) == 8
