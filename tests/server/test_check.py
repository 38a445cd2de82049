"""The subcommand ``check``, as a user types it."""

import os
from pathlib import Path

import pytest

from downloader.mirror.check import MAX_DOCUMENT_BYTES, DanglingLink, MirrorCheck
from tests.support.command import Command, CommandResult


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
        "index.html:2: gone.html#x -> gone.html",
        "index.html:4: a b.png -> a b.png",
        "sub/a.css:4: ../c.png -> c.png",
        "sub/b.js:1: ./gone.js -> sub/gone.js",
        "sub/c.svg:1: i.png -> sub/i.png",
        "sub/d.webmanifest:1: icon.png -> sub/icon.png",
        "sub/e.html:2: gone.css -> sub/gone.css",
        "sub/e.html:2: empty/ -> sub/empty/index.html",
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
    assert ran.err == [f"index.html:1: {reference.strip()} -> outside the folder"]
    assert ran.out[0].startswith("1 document:")


async def test_a_link_of_the_file_system_within_the_folder_is_a_file(mirror: Mirror) -> None:
    mirror.write("a.html", "<a href='b.html#x'>b</a>")
    mirror.write("c.html", "<p id=x>")
    (mirror.folder / "b.html").symlink_to("c.html")
    (mirror.folder / "loop.html").symlink_to("loop.html")
    mirror.write("d.html", "<a href=loop.html>")
    ran = await mirror.check("-v")
    assert ran.err == ["d.html:1: loop.html -> loop.html"]


@pytest.mark.parametrize("reference", ["a%2Fb.html", "a%00.html", "x" * 5000, "%FF.html"])
async def test_names_that_cannot_be(mirror: Mirror, reference: str) -> None:
    mirror.write("a/b.html")
    mirror.write("index.html", f"<a href='{reference}'>x</a>")
    ran = await mirror.check()
    assert ran.status == 1
    assert len(ran.err) == 1
    assert ran.err[0].startswith(f"index.html:1: {reference[:100]}")


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
        "a.html:2: note: b.html#gone -> b.html#gone",
        "a.html:2: note: #lost -> a.html#lost",
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
    assert ran.err == ["sub/.download/x.html:1: gone -> sub/.download/gone"]


async def test_what_a_page_needs_from_elsewhere_is_missing(mirror: Mirror) -> None:
    mirror.write("a.html", "<a href=http://b.test/>b</a>\n<img src='https://c.test/i.png'>")
    ran = await mirror.check()
    assert ran.status == 1
    assert ran.err == ["a.html:2: https://c.test/i.png -> external"]
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
    assert "deep.html:1: gone -> gone" in ran.err


def test_a_page_of_50_megabytes_is_read_to_its_end(tmp_path: Path) -> None:
    row = "<tr><td><a href='gone.html'>x</a><td>" + "text " * 200 + "\n"
    (tmp_path / "a.html").write_text(row * (50_000_000 // len(row)))
    check = MirrorCheck(tmp_path)
    lines = [found.line for found in check.findings() if isinstance(found, DanglingLink)]
    assert lines == list(range(1, len(lines) + 1))
    assert len(lines) == check.totals.dangling > 40_000


@pytest.mark.parametrize("arguments", [["missing"], ["file"], ["folder", "sites.txt"]])
async def test_what_cannot_be_checked_is_a_mistake_of_usage(
    command: Command, arguments: list[str]
) -> None:
    (command.folder / "file").touch()
    (command.folder / "folder").mkdir()
    ran = await command("check", *arguments)
    assert ran.status == 2
    assert ran.err[-1].startswith("Error:")
