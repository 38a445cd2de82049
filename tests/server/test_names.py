"""Names of files by options: templates, fewer folders, and what a second run makes of them."""

import errno
import os
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Options
from tests.support.command import Command, shown_size
from tests.support.files import saved_files
from tests.support.handlers import keeps, sends
from tests.support.library import downloaded, fetch
from tests.support.web_server import Handler, Site

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
    assert f"Downloaded downloaded_sites/b.html: {shown_size(PAGE)}" in ran.out
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


async def test_the_first_line_of_a_url_names_its_file(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE}
    rows = [("/a", "1"), ("/a", "2"), ("/b", ""), ("/b", "4")]
    table = "".join(f"{site.url(path)},{isbn}\n" for path, isbn in rows)
    (command.folder / "list.csv").write_text(f"url,isbn\n{table}")
    ran = await command("list.csv", "--name-template", "{column.isbn}")
    assert ran.status == 1
    assert _files(command) == {"1.html", "4.html"}
    assert [line.split(": ")[1] for line in ran.err] == [
        "--name-template gives no file name here, because a field is empty (blocked); add another "
        "field, such as {hash}"
    ]


async def test_a_line_without_the_column_fails_alone(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE}
    ran = await command(site.url("/a"), "--name-template", "{column.isbn}")
    assert ran.status == 1
    assert ran.err == [
        f"Failed {site.url('/a')}: --name-template: the line has no column 'isbn' (blocked); "
        "use a column that every line has"
    ]


@pytest.mark.parametrize(
    "extra", [[], ["--report", "r.csv"], ["--report", "r.csv", "--keep-columns", "n"]]
)
async def test_columns_of_the_list_name_files(
    site: Site, command: Command, extra: list[str]
) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE, "/c": PAGE}
    (command.folder / "list.csv").write_text(
        "url,ISBN,title,n\n"
        f"{site.url('/a')},978-1,AC/DC: live,1\n"
        f"{site.url('/b')},978-2,../../out,2\n"
        f"{site.url('/c')},,AC/DC: live,3\n"
    )
    options = ["--name-template", "{column.title}/{column.isbn}{ext}", *extra]
    ran = await command("list.csv", *options)
    assert ran.status == 1
    assert len(ran.err) == 1
    assert "--name-template gives no file name here" in ran.err[0]
    files = {"AC_DC_ live/978-1.html", ".._.._out/978-2.html"}
    assert {name.lstrip("_") for name in _files(command)} == files
    requests = len(site.requests)
    await command("list.csv", *options)
    assert len(site.requests) == requests


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


# Names that the answer gives


def _named(disposition: str, body: bytes = b"%PDF", media_type: str = "application/pdf") -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        headers = {"Content-Disposition": disposition, "Content-Type": media_type}
        return web.Response(body=body, headers=headers)

    return answer


async def test_the_answer_names_the_file_and_the_second_run_finds_it_without_a_request(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/get?id=1": _named('attachment; filename="report.pdf"'),
        "/get?id=2": _named("attachment; filename=../../report.pdf"),
        "/get?id=3": _named("inline; filename*=UTF-8''%C3%BCbersicht", PAGE.encode(), "text/html"),
        "/get?id=4": b"x",
    }
    urls = list(map(site.url, site.pages))
    first = await command(*urls, "--content-disposition")
    assert (first.status, first.err) == (0, [])
    files = _files(command)
    folder = site.folder
    named = {f"{folder}/report.pdf", f"{folder}/übersicht.html", f"{folder}/get@id=4.bin"}
    assert named < files
    [hashed] = files - named
    assert hashed.startswith(f"{folder}/report~")
    requests = len(site.requests)
    for options in (["--content-disposition"], []):
        again = await command(*urls, *options)
        assert "4 skipped" in again.out[-1]
    assert len(site.requests) == requests
    assert _files(command) == files


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (["--content-disposition", "-nH"], "a/report.pdf"),
        (["--content-disposition", "-nH", "--cut-dirs", "1"], "report.pdf"),
        (["--name-template", "{scheme}/{stem}-{content_disposition}"], "http/x-report.pdf"),
        (["--content-disposition", "--processes", "2"], "HOST/a/report.pdf"),
        ([], "HOST/a/x.pdf"),
    ],
)
async def test_the_name_of_the_answer_goes_with_other_options(
    site: Site, command: Command, options: list[str], path: str
) -> None:
    site.pages = {"/a/x": _named("attachment; filename=report.pdf")}
    ran = await command(site.url("/a/x"), *options)
    assert ran.status == 0
    assert _files(command) == {path.replace("HOST", site.folder)}


async def test_a_name_of_the_list_goes_before_that_of_the_answer(
    site: Site, command: Command
) -> None:
    site.pages = {"/x": _named("attachment; filename=report.pdf")}
    (command.folder / "list.csv").write_text(f"url,name\n{site.url('/x')},mine.pdf\n")
    await command("list.csv", "--content-disposition")
    assert _files(command) == {"mine.pdf"}


async def test_an_answer_with_another_name_replaces_the_saved_file(
    site: Site, command: Command
) -> None:
    for name in ("first.pdf", "second.pdf"):
        site.pages = {"/x": _named(f"attachment; filename={name}")}
        ran = await command(site.url("/x"), "--content-disposition", "--force")
        assert ran.status == 0
        assert _files(command) == {f"{site.folder}/{name}"}


async def test_a_mirror_links_to_the_names_of_answers(site: Site, command: Command) -> None:
    site.pages = {
        "/": "<a href='/get?id=1'>report</a>",
        "/get?id=1": _named("attachment; filename=report.pdf"),
    }
    ran = await command(site.url("/"), "-r", "-nH", "--content-disposition", "-o", "copy")
    assert ran.status == 0, ran.err
    assert _files(command, "copy") == {"index.html", "report.pdf"}
    page = (command.folder / "copy" / "index.html").read_text()
    assert page == "<a href='report.pdf'>report</a>"


async def test_a_partial_file_with_the_name_of_the_answer_is_resumed(
    site: Site, tmp_path: Path
) -> None:
    body = os.urandom(3_000_000)
    headers = {"Content-Disposition": "attachment; filename=report.bin", "ETag": '"1"'}
    options = Options(content_disposition=True, retries=0)
    site.pages = {"/x": sends(body, headers, cut=2_000_000)}
    [broken] = await fetch([site.url("/x")], tmp_path, options)
    assert not isinstance(broken, Downloaded)
    assert saved_files(tmp_path) == {f"{site.folder}/report.bin.part"}
    site.pages = {"/x": keeps(body, headers)}
    [outcome] = await fetch([site.url("/x")], tmp_path, options)
    resumed = downloaded(outcome)
    assert resumed.resumed_at > 0
    assert resumed.path == f"{site.folder}/report.bin"
    assert (tmp_path / resumed.path).read_bytes() == body
    assert saved_files(tmp_path) == {resumed.path}


# File systems that take shorter names


@pytest.fixture
def short_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse names of more than 143 bytes, as eCryptfs does."""
    open_file = os.open

    def refusing(path: str, *arguments: int, **options: int) -> int:
        if isinstance(path, str) and len(path.rpartition("/")[2].encode()) > 143:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)


@pytest.mark.usefixtures("short_names")
@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_a_name_that_the_file_system_refuses_is_shortened(
    site: Site, tmp_path: Path, size: int
) -> None:
    site.pages = {f"/{'x' * 150}{end}.bin": b"x" * size for end in "ab"}
    urls = list(map(site.url, site.pages))
    outcomes = await fetch(urls, tmp_path, Options())
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    files = saved_files(tmp_path)
    assert len(files) == 2
    assert all(len(Path(file).name) <= 143 - len(".part") for file in files)
    requests = len(site.requests)
    again = await fetch(urls, tmp_path, Options())
    assert len(site.requests) == requests
    assert not any(isinstance(outcome, Downloaded) for outcome in again)
    assert saved_files(tmp_path) == files


async def test_names_fit_the_file_system_if_it_says_what_it_takes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs

    def with_limit(path: Path) -> os.statvfs_result:
        values = list(real(path))
        values[9] = 143
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", with_limit)
    site.pages = {f"/{'x' * 150}": PAGE, f"/{'y' * 150}/z": PAGE}
    urls = list(map(site.url, site.pages))
    await fetch(urls, tmp_path, Options())
    files = saved_files(tmp_path)
    assert len(files) == len(site.requests) == 2
    assert max(len(part) for file in files for part in file.split("/")) <= 143 - len(".part")
    await fetch(urls, tmp_path, Options())
    assert len(site.requests) == 2
