"""The subcommand ``check``, as a user types it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from downloader.mirror.check import (
    MAX_DOCUMENT_BYTES,
    MirrorCheck,
    MissingReason,
    MissingTarget,
    UnreadableFile,
)
from downloader.mirror.check.mirror_folder import MirrorFolder
from tests.support.command import Command, CommandResult
from tests.support.web_server import Site


class Mirror:
    """A folder that a test fills, and the command that looks through it."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self.folder = command.folder / "mirror"
        self.folder.mkdir()

    def write(self, name: str, body: str | bytes = "") -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body.encode() if isinstance(body, str) else body)

    async def check(self, *arguments: str) -> CommandResult:
        return await self._command("check", self.folder, *arguments)


@pytest.fixture
def mirror(command: Command) -> Mirror:
    return Mirror(command)


async def test_a_whole_mirror_is_said_to_be_whole(mirror: Mirror) -> None:
    mirror.write(
        "h/index.html",
        "<link rel=stylesheet href=a.css><a href='sub/#x'>1</a><a href='?q=1'>2</a>"
        "<img src='img/a%20b.png?v=2' srcset='img/%C3%BC.png 2x, img/ü.png 3x'><a href=#top>3</a>"
        "<a href='mailto:a@b.c'>4</a><img src=data:,><a href='https://other.test/x'>5</a>"
        "<a href='sub'>6</a><a href='.'>7</a><a href='100%25.html'>8</a><a href=''>9</a>",
    )
    mirror.write("h/a.css", "@import 'sub/b.css'; a { background: url(img/ü.png) }")
    mirror.write("h/sub/b.css", "a { background: url(../img/a%20b.png) }")
    mirror.write("h/sub/index.html", "<p id=x><a href=../index.html>back</a>")
    mirror.write("h/100%.html")
    mirror.write("h/img/a b.png")
    mirror.write("h/img/ü.png")
    ran = await mirror.check()
    assert (ran.status, ran.err) == (0, [])
    assert ran.out == ["5 documents: 14 local references, 0 dangling; 1 external to 1 host"]


async def test_what_leads_nowhere_is_named_with_its_line(mirror: Mirror) -> None:
    mirror.write("index.html", "<title>x</title>\r\n<a href=gone.html#x>\n\n<img src='a b.png'>")
    mirror.write("sub/a.css", "\n\n\na { b: url(../c.png) }")
    mirror.write("sub/b.js", "import x from './gone.js';")
    mirror.write("sub/c.svg", "<svg xmlns='http://www.w3.org/2000/svg'><image href='i.png'/></svg>")
    mirror.write("sub/d.webmanifest", '{"icons": [{"src": "icon.png"}]}')
    mirror.write("sub/e.html", "<style>\n@import 'gone.css'</style><a href=empty/>x</a>")
    (mirror.folder / "sub/empty").mkdir()
    ran = await mirror.check()
    assert ran.status == 1
    assert ran.err == [
        "gone.html: missing, in 1 document: index.html:2",
        "a b.png: missing, in 1 document: index.html:4",
        "c.png: missing, in 1 document: sub/a.css:4",
        "sub/gone.js: missing, in 1 document: sub/b.js:1",
        "sub/i.png: missing, in 1 document: sub/c.svg:1",
        "sub/icon.png: missing, in 1 document: sub/d.webmanifest:1",
        "sub/gone.css: missing, in 1 document: sub/e.html:2",
        "sub/empty/index.html: missing, in 1 document: sub/e.html:2",
    ]
    assert ran.out == ["6 documents: 8 local references, 8 dangling; 0 external to 0 hosts"]


@pytest.mark.slow(keep=4)
@pytest.mark.parametrize(
    "reference",
    [
        *("/etc/passwd", "../outside.html", "../../../../../../etc/passwd", "file:///etc/passwd"),
        *("/index.html", "%2e%2e/outside.html", "..\\outside.html", " FILE:x", "link.html"),
        *(".//etc/passwd", "linked/inner.html", "http://mirror.invalid/x"),
    ],
)
async def test_what_leads_out_of_the_folder_dangles(mirror: Mirror, reference: str) -> None:
    outside = mirror.folder.parent
    (outside / "outside.html").write_text("<a href=nothing>")
    (outside / "inner.html").write_text("<a href=nothing>")
    (mirror.folder / "link.html").symlink_to(outside / "outside.html")
    (mirror.folder / "linked").symlink_to(outside)
    mirror.write("index.html", f"<a href='{reference}'>x</a>")
    ran = await mirror.check()
    assert ran.status == 1
    assert ran.err == [f"{reference.strip()}: outside the folder, in 1 document: index.html:1"]
    assert ran.out[0].startswith("1 document:")


async def test_a_link_of_the_file_system_within_the_folder_is_a_file(mirror: Mirror) -> None:
    mirror.write("a.html", "<a href='b.html#x'>b</a>")
    mirror.write("c.html", "<p id=x>")
    (mirror.folder / "b.html").symlink_to("c.html")
    (mirror.folder / "loop.html").symlink_to("loop.html")
    mirror.write("d.html", "<a href=loop.html>")
    ran = await mirror.check("-v")
    assert ran.err == ["loop.html: missing, in 1 document: d.html:1"]


@pytest.mark.parametrize("reference", ["a%2Fb.html", "a%00.html", "x" * 5000, "%FF.html"])
async def test_names_that_cannot_be(mirror: Mirror, reference: str) -> None:
    mirror.write("a/b.html")
    mirror.write("index.html", f"<a href='{reference}'>x</a>")
    ran = await mirror.check()
    assert ran.status == 1
    assert len(ran.err) == 1
    assert ran.err[0].endswith(": missing, in 1 document: index.html:1")


async def test_names_in_another_encoding_are_found(mirror: Mirror) -> None:
    (Path(os.fsdecode(os.fsencode(mirror.folder) + b"/\xff.html"))).touch()
    mirror.write("index.html", "<a href='%FF.html'>x</a>")
    ran = await mirror.check()
    assert (ran.status, ran.err) == (0, [])


@pytest.mark.slow
async def test_hosts_and_missing_places_are_told_on_request(mirror: Mirror) -> None:
    mirror.write(
        "a.html",
        "<a href='http://b.test/'></a><a href='https://user:secret@a.test:8/x'></a>\n"
        "<a href='//b.test/y'></a><a href='b.html#gone'></a><a href='b.html#h%C3%A9'></a>"
        "<a href='#own'></a><a href='#lost'></a><a href='b.html#:~:text=x'></a>"
        "<a href='b.html#TOP'></a><a href='b.png#x'></a><a href='b.html#old'></a>",
    )
    mirror.write("b.html", "<p id='h&eacute;'>x<a name=old>y</a>")
    mirror.write("b.png")
    with (mirror.folder / "a.html").open("a") as file:
        file.write("<p id=own>")
    ran = await mirror.check("-v")
    assert ran.status == 0
    assert ran.err == [
        "note: b.html#gone: no such fragment, in 1 document: a.html:2",
        "note: a.html#lost: no such fragment, in 1 document: a.html:2",
    ]
    assert ran.out == [
        "External b.test: 2 references",
        "External a.test:8: 1 reference",
        "2 documents: 6 local references, 0 dangling; 3 external to 2 hosts",
    ]
    assert (await mirror.check("-q")).out == []
    assert (await mirror.check()).err == []


async def test_what_is_our_own_and_what_is_no_page_is_not_read(mirror: Mirror) -> None:
    mirror.write(".download/x.html", "<a href=gone>")
    mirror.write("a.txt", "<a href=gone>")
    mirror.write("sub/.download/x.html", "<a href=gone>")
    os.mkfifo(mirror.folder / "pipe.html")
    ran = await mirror.check()
    assert ran.err == ["sub/.download/gone: missing, in 1 document: sub/.download/x.html:1"]


async def test_a_missing_target_has_one_line_with_the_documents_that_name_it(
    mirror: Mirror,
) -> None:
    for number in range(5):
        mirror.write(f"{number}.html", "<p>\n<a href=gone.html>1</a><img src=gone.html><a href=x>")
    mirror.write("x")
    ran = await mirror.check()
    assert ran.err == ["gone.html: missing, in 5 documents: 0.html:2, 1.html:2, 2.html:2, ..."]
    assert ran.out == ["5 documents: 15 local references, 10 dangling; 0 external to 0 hosts"]


async def test_what_is_neither_loaded_nor_clicked_does_not_dangle(mirror: Mirror) -> None:
    mirror.write(
        "a.html",
        "<link rel=canonical href=gone1><link rel=alternate href=gone2><link rel=prefetch "
        "href=gone3><link rel=dns-prefetch href=//b.test><link rel=next href=gone4><q cite=gone5>"
        "<link rel=canonical href=file:///x>",
    )
    mirror.write("b.html", "<a rel=alternate href=gone6><link rel='alternate stylesheet' href=7>")
    ran = await mirror.check()
    assert ran.err == [
        "gone6: missing, in 1 document: b.html:1",
        "7: missing, in 1 document: b.html:1",
    ]


async def test_what_its_host_refused_to_send_is_not_external(site: Site, command: Command) -> None:
    site.pages = {"/": "<img src=/gone.png><img src='http://b.test/i.png'><a href=/x>x</a>"}
    await command("-m", site.url(), "-o", "out")
    ran = await command("check", "out")
    assert ran.status == 1
    assert ran.err == [
        f"{site.url('/gone.png')}: not saved (404), in 1 document: {site.folder}.html:1",
        f"http://b.test/i.png: external, in 1 document: {site.folder}.html:1",
    ]
    assert ran.out == [
        "1 document: 0 local references, 0 dangling; 2 external to 2 hosts (1 needed), 1 not saved"
    ]


async def test_a_journal_that_somebody_planted_is_no_danger(mirror: Mirror) -> None:
    mirror.write("a.html", "<img src=http://b.test/i.png>")
    mirror.write(".download/journal.sqlite3", b"SQLite format 3\0" + b"x" * 5000)
    expected = ["http://b.test/i.png: external, in 1 document: a.html:1"]
    assert (await mirror.check()).err == expected
    file = mirror.folder / ".download/journal.sqlite3"
    file.unlink()
    with closing(sqlite3.connect(file)) as database:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        database.execute(
            f"CREATE VIEW urls AS {endless} SELECT i address, i state, i kind, i message FROM n"
        )
    assert (await mirror.check()).err == expected


def test_each_document_is_read_once_for_links_and_once_for_fragments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 40
    links = "".join(f"<a href='{number}.html#x'>1</a>" for number in range(count))
    for number in range(count):
        (tmp_path / f"{number}.html").write_text(f"<p id=x>{links}")
    read: list[str] = []
    original = MirrorFolder.read

    def counted(folder: MirrorFolder, path: str) -> bytes | UnreadableFile:
        read.append(path)
        return original(folder, path)

    monkeypatch.setattr(MirrorFolder, "read", counted)
    assert list(MirrorCheck(tmp_path, fragments=True).findings()) == []
    assert len(read) == 2 * count


async def test_what_a_page_needs_from_elsewhere_is_missing(mirror: Mirror) -> None:
    mirror.write("a.html", "<a href=http://b.test/>b</a>\n<img src='https://c.test/i.png'>")
    ran = await mirror.check()
    assert ran.status == 1
    assert ran.err == ["https://c.test/i.png: external, in 1 document: a.html:2"]
    assert ran.out == [
        "1 document: 0 local references, 0 dangling; 2 external to 2 hosts (1 needed)"
    ]
    assert (await mirror.check("-q")).out == []


async def test_what_cannot_be_read_is_not_said_to_be_whole(mirror: Mirror) -> None:
    mirror.write("a.html")
    with (mirror.folder / "huge.html").open("wb") as file:
        file.truncate(MAX_DOCUMENT_BYTES + 1)
    ran = await mirror.check()
    assert ran.status == 1
    assert ran.err == ["huge.html: not read: too large for a page"]
    assert ran.out[0].endswith("0 external to 0 hosts, 1 not read")


async def test_a_single_file_needs_nothing(mirror: Mirror) -> None:
    mirror.write(
        "a.html", "<img src=data:image/png;base64,AAAA><iframe srcdoc='<p id=x>'></iframe>"
    )
    ran = await mirror.check()
    assert (ran.status, ran.err) == (0, [])


async def test_a_folder_without_pages_is_no_mirror(mirror: Mirror) -> None:
    mirror.write("picture.png")
    ran = await mirror.check("-q")
    assert ran.status == 2
    assert ran.err == [f"download: no pages in {mirror.folder}; name the folder of a mirror"]


async def test_hostile_files_are_survived(mirror: Mirror) -> None:
    mirror.write("binary.html", bytes(range(256)) * 4000)
    mirror.write("broken.html", b"\xff\xfe<\0a\0 \0h\0r")
    mirror.write("deep.html", "<div>" * 100_000 + "<a href=gone>")
    mirror.write("script.js", "import('./x.js'" * 1000)
    mirror.write("escape\x1b[31m.html", "<a href='\x1b[32mgone'>")
    mirror.write("secret.html", "<a href='file://u:secret@h/x'>")
    with (mirror.folder / "huge.html").open("wb") as file:
        file.truncate(MAX_DOCUMENT_BYTES + 1)
    if os.geteuid():
        mirror.write("closed.html")
        (mirror.folder / "closed.html").chmod(0)
    ran = await mirror.check()
    assert ran.status == 1
    text = "\n".join(ran.err)
    assert "\x1b" not in text
    assert "secret@" not in text
    assert "huge.html: not read: too large for a page" in ran.err
    assert "gone: missing, in 1 document: deep.html:1" in ran.err


def test_a_page_of_50_megabytes_is_read_to_its_end(tmp_path: Path) -> None:
    row = "<tr><td><a href='gone.html'>x</a><td>" + "text " * 200 + "\n"
    (tmp_path / "a.html").write_text(row * (50_000_000 // len(row)))
    check = MirrorCheck(tmp_path)
    (missing,) = check.findings()
    assert missing == MissingTarget("gone.html", MissingReason.NO_FILE, None, 1, ("a.html:1",))
    assert check.totals.dangling > 40_000


@pytest.mark.parametrize("arguments", [["missing"], ["file"], ["folder", "sites.txt"]])
async def test_what_cannot_be_checked_is_a_mistake_of_usage(
    command: Command, arguments: list[str]
) -> None:
    (command.folder / "file").touch()
    (command.folder / "folder").mkdir()
    ran = await command("check", *arguments)
    assert ran.status == 2
    assert ran.err[-1].startswith("Error:")
