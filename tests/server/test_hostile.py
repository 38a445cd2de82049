"""No list, server or planted link leads a write, a read or the terminal astray."""

import asyncio
import contextlib
import io
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from downloader import Downloaded, ErrorKind, Failed, Options, download_sites
from downloader.cli.run_printer import OutcomeView
from downloader.cli.terminal import ProgressState, Terminal
from downloader.errors import OutputError
from downloader.journal import STATE_FOLDER
from downloader.web.filenames import SafePath
from downloader.web.text import SafeFormatter
from tests.support.command import Command
from tests.support.fault_server import (
    BINARY,
    HTML,
    LARGE,
    PAGE,
    Headers,
    Request,
    fault_server,
    head,
    length,
    redirect,
    respond,
    send,
)
from tests.support.files import saved_files
from tests.support.safe_names import assert_safe

OPTIONS = Options(retries=0, connect_timeout=5, read_timeout=5, timeout=8)
LIMIT = 15


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file in it, neither of which may be touched."""
    folder = tmp_path / "outside"
    folder.mkdir()
    file = folder / "mine"
    file.write_text("mine")
    os.utime(file, (1, 1))
    yield folder
    assert list(folder.iterdir()) == [file]
    assert file.read_text() == "mine"
    assert file.stat().st_mtime == 1


async def agree(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a page, whatever is asked for."""
    await respond(writer)


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


# Names from addresses

PATHS = [
    "/../../../outside/mine",
    "/a/../../../outside/mine",
    "/..",
    "/...",
    "/....//....//outside/mine",
    "/%2e%2e/%2e%2e/outside/mine",
    "/%2E%2E%2F%2E%2E%2Foutside%2Fmine",
    "/..%2f..%2foutside%2fmine",
    "/%252e%252e%252f%252e%252e%252foutside%252fmine",
    "/%25252e%25252e%25252foutside",
    "/..\\..\\outside\\mine",
    "/..%5c..%5coutside%5cmine",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/outside/mine",
    "/%c0%2e%c0%2e%c0%afoutside%c0%afmine",
    "/%e0%80%ae%e0%80%ae%e0%80%afoutside",
    "/%uff0e%uff0e%u2215outside",
    "/\uff0e\uff0e/\uff0e\uff0e/outside/mine",
    "/\uff0e\uff0e\u2215\uff0e\uff0e\u2215outside",
    "/%ef%bc%8e%ef%bc%8e%ef%bc%8foutside",
    "/a/%2e%2e;/%2e%2e;/outside",
    "/.%00./.%00./outside",
    "/mine%00.html",
    "//etc/passwd",
    "/%2Fetc%2Fpasswd",
    "/C:/x",
    "/C%3A%5Cx",
    "/%5C%5Cserver%5Cshare",
    "/~/.bashrc",
    "/.download/journal.sqlite3",
    "/.bashrc",
    "/con",
    "/aux.html",
    "/NUL",
    "/com1.txt",
    "/lpt%C2%B9",
    "/conin$",
    "/a/con.html/b",
    "/a:stream",
    "/x.part",
    "/x.html.part",
    "/%0d%0aX-Evil:%20yes",
    "/%1b%5d0;owned%07",
    "/%e2%80%aelmth.exe",
    "/%7f%c2%9b31m",
    "/-rf",
    "/ ",
    "/%20",
    "/.",
    "/" + "x" * 5000,
    "/" + "a/" * 800,
    "/?../../../../outside/mine",
    "/?%2e%2e%2f%2e%2e%2foutside%2fmine",
    "/?\\..\\..\\x",
    "/a?/../../../outside",
]


async def test_no_path_of_an_address_leads_out_of_the_folder(tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "a" / "b" / "folder"
    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = agree
        outcomes = await download_sites(map(server.url, PATHS), folder, options=OPTIONS)
    for path, outcome in zip(PATHS, outcomes, strict=True):
        assert not isinstance(outcome, Failed), (path, outcome)
    paths = [outcome.path for outcome in outcomes if isinstance(outcome, Downloaded)]
    own = {path for path in folder.rglob("*") if path.relative_to(folder).parts[0] == STATE_FOLDER}
    assert files_of(tmp_path) - own == {folder / path for path in paths} | {outside / "mine"}
    assert len(set(map(str.lower, paths))) == len(paths)
    for path in paths:
        assert (folder / path).read_bytes() == PAGE
        assert (folder / path).resolve().is_relative_to(folder.resolve())
        assert not path.startswith((".", "/"))


@pytest.mark.parametrize(
    "location",
    [
        "/../../outside/mine",
        "/%2e%2e%2f%2e%2e%2foutside%2fmine",
        "/..\\..\\outside",
        "/\uff0e\uff0e/",
    ],
)
async def test_where_a_redirect_leads_has_no_part_in_the_name(
    location: str, tmp_path: Path, outside: Path
) -> None:
    async def lead_astray(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path == "/start":
            await redirect(writer, location.encode().decode("latin-1"))
        else:
            await respond(writer)

    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = lead_astray
        (outcome,) = await download_sites([server.url("/start")], tmp_path / "f", options=OPTIONS)
    assert isinstance(outcome, Downloaded)
    assert outcome.path.endswith("/start.html")
    assert saved_files(tmp_path) == {f"f/{outcome.path}", "outside/mine"}


@pytest.mark.parametrize(
    "field",
    [
        'attachment; filename="../../outside/mine"',
        "attachment; filename=/etc/passwd",
        "attachment; filename*=UTF-8''..%2F..%2Foutside%2Fmine",
        'inline; filename="C:\\\\x"',
        'attachment; filename=".download/journal.sqlite3"',
        "attachment; filename=\x1b[31m",
    ],
)
async def test_a_name_that_the_server_wants_has_no_part_in_the_name(
    field: str, tmp_path: Path, outside: Path
) -> None:
    async def dispose(_: Request, writer: asyncio.StreamWriter) -> None:
        await respond(writer, headers=[HTML, ("Content-Disposition", field)])

    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = dispose
        (outcome,) = await download_sites([server.url("/x")], tmp_path / "f", options=OPTIONS)
    assert isinstance(outcome, Downloaded)
    assert saved_files(tmp_path) == {f"f/{outcome.path}", "outside/mine"}
    assert outcome.path.endswith("/x.html")


# Names and headers from lists

#: Names that lead out of the folder, or nowhere.
NAMES_THAT_LEAD_OUT = [
    "../x",
    "../../outside/mine",
    "a/../../x",
    "/etc/passwd",
    "\\\\server\\share",
    "C:\\x",
    "c:/x",
    "..\\x",
    ".",
    "..",
    "~/../../x/",
]
#: Names that are changed until they are safe.
UNSAFE_NAMES = [
    "C:x",
    ".download/journal.sqlite3",
    ".DOWNLOAD/x",
    ".download",
    "a//b",
    "con",
    "nul.txt",
    "a/aux",
    "x.part",
    "x\x1b[31m",
    "x\u202egpj",
    "x\u0085y",
    "x:stream",
    "a|b",
    "x" * 300,
    " x ",
    "x.",
]


@pytest.mark.parametrize("form", ["text", "csv", "json"])
async def test_a_name_of_a_list_that_leads_out_fails_its_line_alone_and_others_are_made_safe(
    form: str, command: Command, tmp_path: Path, outside: Path
) -> None:
    # A text list and a table drop spaces around a name.
    unsafe = [name for name in UNSAFE_NAMES if form == "json" or name == name.strip()]
    names = ["ok/first", *NAMES_THAT_LEAD_OUT, *unsafe, "last.html"]
    async with fault_server() as server:
        server.otherwise = agree
        rows = [(server.url(f"/{number}"), name) for number, name in enumerate(names)]
        text = {
            "text": "".join(f"{url}\n  out={name}\n" for url, name in rows),
            "csv": "url,name\n" + "".join(f"{url},{name}\n" for url, name in rows),
            "json": "".join(json.dumps({"url": url, "name": name}) + "\n" for url, name in rows),
        }[form]
        file = {"text": "list", "csv": "list.csv", "json": "list.jsonl"}[form]
        (tmp_path / file).write_bytes(text.encode())
        ran = await command(file, "-o", "folder")
        requested = [number for number, name in enumerate(names) if name not in NAMES_THAT_LEAD_OUT]
        assert sorted(server.paths()) == sorted(f"/{number}" for number in requested)
    assert ran.status == 1
    files = saved_files(tmp_path) - {"outside/mine", file}
    assert {"folder/ok/first", "folder/last.html"} <= files
    assert len(files) == len(requested)
    for path in files:
        assert_safe(SafePath(path.removeprefix("folder/")))
    assert (tmp_path / "folder" / ".download" / "journal.sqlite3").read_bytes()[:6] == b"SQLite"
    assert len(ran.err) == len(NAMES_THAT_LEAD_OUT)
    assert all("(blocked); give a relative path" in line for line in ran.err)
    assert_harmless("\n".join(ran.err))


BAD_HEADERS = [
    "X: a\rEvil: b",
    "X: a\x01",
    "X: a\x1b",
    "X\r: a",
    "Evil",
    ": a",
    "X Y: a",
]


async def test_a_header_of_a_list_that_breaks_lines_fails_its_line_alone(command: Command) -> None:
    async with fault_server() as server:
        server.otherwise = agree
        lines = [f"{server.url(f'/{n}')}\n  header={text}" for n, text in enumerate(BAD_HEADERS)]
        given = "\n".join([*lines, server.url("/page")])
        ran = await command("-", "-o", "folder", stdin=given.encode())
        assert server.paths() == ["/page"], ran
    assert ran.status == 1
    assert len(ran.err) == len(BAD_HEADERS)
    assert_harmless("\n".join(ran.err))


@pytest.mark.parametrize("field", ["X: a\r\nEvil: b", "X: a\nEvil: b", "X\n: a", "Evil"])
async def test_a_header_of_the_command_line_that_breaks_lines_is_refused(
    field: str, command: Command
) -> None:
    ran = await command("-H", field, "http://127.0.0.1:9/")
    assert (ran.status, ran.out) == (2, [])
    assert_harmless("\n".join(ran.err))


async def test_an_address_with_line_breaks_is_refused_or_encoded(command: Command) -> None:
    async with fault_server() as server:
        server.otherwise = agree
        given = [{"url": server.url(f"/a{end}Evil: b")} for end in ("\r\n", "\n", "\r", "\t", "\0")]
        text = "\n".join([*map(json.dumps, given), json.dumps(server.url("/%0d%0aEvil:%20b"))])
        (command.folder / "list.jsonl").write_text(text)
        ran = await command("list.jsonl", "-o", "folder")
        assert server.paths() == ["/%0d%0aEvil:%20b"]
        assert "evil" not in server.requests[0].headers
    assert ran.status == 1
    assert len([line for line in ran.err if "(bad-url)" in line]) == len(given)


# Planted links


def plant(where: Path, target: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    try:
        where.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")


async def large_or_page(request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body that is written in pieces or in one go, with a time for its file."""
    dated = ("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
    if request.path.startswith("/large"):
        await respond(writer, headers=[BINARY, dated, ("ETag", '"1"')], body=LARGE)
    else:
        await respond(writer, headers=[HTML, dated])


@pytest.mark.parametrize("path", ["/site.html", "/large.bin"])
@pytest.mark.parametrize("planted", ["{0}", "{0}.part"])
async def test_a_planted_link_is_replaced_and_not_followed(
    planted: str, path: str, tmp_path: Path, outside: Path
) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = large_or_page
        url = server.url(path)
        folder = tmp_path / "folder"
        name = folder / url.removeprefix("http://").replace(":", "_")
        plant(Path(planted.format(name)), outside / "mine")
        (outcome,) = await download_sites([url], folder, options=OPTIONS)
    assert isinstance(outcome, Downloaded)
    assert not name.is_symlink()
    assert name.read_bytes() == (LARGE if "large" in path else PAGE)
    assert not Path(f"{name}.part").exists()


@pytest.mark.parametrize("path", ["/a/b/site.html", "/a/b/large.bin"])
@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_a_planted_folder_is_not_entered(
    depth: int, path: str, tmp_path: Path, outside: Path
) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = large_or_page
        folder = tmp_path / "folder"
        host = server.url("").removeprefix("http://").replace(":", "_")
        plant(folder.joinpath(host, *("a", "b")[:depth]), outside)
        (outcome,) = await download_sites([server.url(path)], folder, options=OPTIONS)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.BLOCKED


@pytest.mark.parametrize("target", ["outside", "outside/none"])
async def test_a_planted_link_for_the_folder_of_the_journal_is_refused(
    target: str, tmp_path: Path, outside: Path
) -> None:
    plant(tmp_path / "folder" / STATE_FOLDER, tmp_path / target)
    with pytest.raises(OutputError):
        await download_sites(["http://127.0.0.1:9/"], tmp_path / "folder", options=OPTIONS)


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("target", ["mine", "none"])
async def test_a_planted_link_for_the_journal_is_not_followed(
    target: str, ending: str, tmp_path: Path, outside: Path
) -> None:
    plant(tmp_path / "folder" / STATE_FOLDER / f"journal.sqlite3{ending}", outside / target)
    with contextlib.suppress(OutputError):
        await download_sites(["http://127.0.0.1:9/"], tmp_path / "folder", options=OPTIONS)


@pytest.mark.parametrize("path", ["/x/site.html", "/x/large.bin"])
async def test_a_folder_that_is_swapped_for_a_link_in_the_run_is_not_entered(
    path: str, tmp_path: Path, outside: Path
) -> None:
    folder = tmp_path / "folder"

    async def swap(request: Request, writer: asyncio.StreamWriter) -> None:
        below = folder / host / "x"
        if request.path == "/x/first.html":
            await respond(writer)
            return
        body = LARGE if "large" in request.path else PAGE
        await send(writer, head(headers=[BINARY, length(body), ("ETag", '"1"')]), body[:-1])
        if "large" in request.path:
            await appeared(below / "large.bin.part")
        below.rename(folder / "moved")
        plant(below, outside)
        await send(writer, body[-1:])

    async with fault_server() as server, asyncio.timeout(LIMIT):
        host = server.url("").removeprefix("http://").replace(":", "_")
        server.otherwise = swap
        options = Options(retries=0, concurrency=1, timeout=8)
        first, outcome = await download_sites(
            map(server.url, ["/x/first.html", path]), folder, options=options
        )
    assert isinstance(first, Downloaded)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.BLOCKED


async def test_a_part_that_is_swapped_for_a_link_in_the_run_is_not_written_through(
    tmp_path: Path, outside: Path
) -> None:
    folder = tmp_path / "folder"

    async def swap(_: Request, writer: asyncio.StreamWriter) -> None:
        dated = ("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
        await send(writer, head(headers=[BINARY, length(LARGE), dated]), LARGE[:-1])
        part = folder / host / "large.bin.part"
        await appeared(part)
        part.unlink()
        plant(part, outside / "mine")
        await send(writer, LARGE[-1:])

    async with fault_server() as server, asyncio.timeout(LIMIT):
        host = server.url("").removeprefix("http://").replace(":", "_")
        server.otherwise = swap
        (outcome,) = await download_sites([server.url("/large.bin")], folder, options=OPTIONS)
    assert isinstance(outcome, Failed), "what has the name would not be what was downloaded"
    assert saved_files(folder) == set()


async def appeared(file: Path) -> None:
    """Wait until the program has made a file."""
    async with asyncio.timeout(LIMIT):
        while not file.exists():  # noqa: ASYNC110 - another thread makes it
            await asyncio.sleep(0.005)


# The terminal

#: What could steer a terminal, forge a line, or show text in another order than it has.
STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
#: The same as bytes of UTF-8, and what a terminal takes for C1 in another encoding.
NASTY = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b31m\x90q\u202egpj\u2066\u2028\x08\x08\x7f"


def assert_harmless(text: str) -> None:
    found = STEERING.search(text)
    assert found is None, text[max(0, found.start() - 40) : found.end() + 40]


def as_bytes(text: str) -> str:
    """Return the UTF-8 of *text* as Latin-1, which the server sends byte by byte."""
    return text.encode().decode("latin-1")


LATIN, UTF8 = NASTY.encode("latin-1", "ignore").decode("latin-1"), as_bytes(NASTY)
ANSWERS: dict[str, tuple[str, Headers, bytes]] = {
    "reason": (f"404 {LATIN}", [], b""),
    "reason-utf-8": (f"404 {UTF8}", [], b""),
    "status": (f"{LATIN} OK", [], b""),
    "type": ("200 OK", [("Content-Type", f"text/{UTF8}; charset={UTF8}")], PAGE),
    "type-latin-1": ("200 OK", [("Content-Type", f"{LATIN}/html")], PAGE),
    "coding": ("200 OK", [HTML, ("Content-Encoding", UTF8)], PAGE),
    "coding-latin-1": ("200 OK", [HTML, ("Content-Encoding", LATIN)], PAGE),
    "location": ("302 Found", [("Location", f"/there?{UTF8}")], b""),
    "location-scheme": ("302 Found", [("Location", f"x-{UTF8}:{UTF8}")], b""),
    "location-script": ("302 Found", [("Location", f"javascript:{LATIN}")], b""),
    "location-host": ("302 Found", [("Location", f"http://{UTF8}/")], b""),
    "location-port": ("302 Found", [("Location", f"http://h:{UTF8}/")], b""),
    "location-dns": ("302 Found", [("Location", as_bytes("http://\xad\u202ea..b/"))], b""),
    "retry": ("503 Wait", [("Retry-After", UTF8)], b""),
    "name": ("200 OK", [(f"X-{UTF8}", "v")], PAGE),
    "validators": ("200 OK", [HTML, ("ETag", f'"{UTF8}"'), ("Last-Modified", UTF8)], PAGE),
    "length": ("200 OK", [("Content-Length", UTF8)], b""),
    "transfer": ("200 OK", [("Transfer-Encoding", f"{UTF8}")], b""),
    "cookie": ("302 Found", [("Location", "/page"), ("Set-Cookie", f"a={UTF8}")], b""),
    "range": ("206 Partial", [("Content-Range", UTF8)], PAGE),
}


async def be_nasty(request: Request, writer: asyncio.StreamWriter) -> None:
    path = request.path.partition("?")[0].removeprefix("/nasty/")
    status, headers, body = ANSWERS.get(path, ("200 OK", [HTML], PAGE))
    own_framing = {name for name, _ in headers} & {"Content-Length", "Transfer-Encoding"}
    await send(writer, head(status, headers if own_framing else [*headers, length(body)]), body)
    writer.close()


@pytest.mark.parametrize("options", [(), ("-v",), ("-v", "--debug")], ids=["plain", "-v", "debug"])
async def test_nothing_that_a_server_sends_steers_the_terminal(
    options: tuple[str, ...], command: Command
) -> None:
    async with fault_server() as server:
        server.otherwise = be_nasty
        urls = [server.url(f"/nasty/{name}") for name in ANSWERS]
        urls += [server.url(path) for path in ("/garbage", "/terminal-escape", "/tls-alert")]
        for _ in range(2):
            process = await command.start(
                "-o", "folder", "--refresh", "--retries", "0", *options, *urls
            )
            out, err = await asyncio.wait_for(process.communicate(), LIMIT)
            assert process.returncode == 1
            assert_harmless(out.decode())
            assert_harmless(err.decode())
            assert b"internal error" not in err
            assert b"defect" not in err
            # What a server sent is never what makes the next request impossible.
            assert b"(bad-url)" not in err
            told = [line for line in (out + err).splitlines() if line.startswith((b"Fa", b"Do"))]
            assert len(told) == len(urls)


@pytest.mark.parametrize("options", [("-v",), ("-v", "--debug")], ids=["-v", "debug"])
async def test_nothing_that_a_list_says_steers_the_terminal(
    options: tuple[str, ...], command: Command
) -> None:
    async with fault_server() as server:
        server.otherwise = agree
        escaped = NASTY.replace("\u2028", "")
        given = [
            escaped,
            f"http://{escaped}/",
            f"http://h:{escaped}/",
            f"ftp://{escaped}@h/",
            server.url(f"/{escaped}"),
            server.url("/%1b%5d0;owned%07%c2%9b%e2%80%ae"),
            server.url("/%1b%5d0;owned%07%c2%9b%e2%80%ae"),
            f"{server.url('/a')}\n  out={escaped}",
            f"{server.url('/b')}\n  checksum={escaped}",
            f"{server.url('/c')}\n  header={escaped}",
            f"{server.url('/d')}\n  x-{escaped}=y",
            f"http://{'x' * 70}.invalid/\u202e",
        ]
        process = await command.start("-", "-o", "folder", "--retries", "0", *options)
        out, err = await asyncio.wait_for(process.communicate("\n".join(given).encode()), LIMIT)
    assert process.returncode == 1
    assert_harmless(out.decode())
    assert_harmless(err.decode())


async def test_the_name_of_a_list_or_folder_does_not_steer_the_terminal(command: Command) -> None:
    name = f"list{NASTY}".replace("/", "")
    (command.folder / name).write_text("javascript:alert(1)\nhttp://127.0.0.1:1/\n")
    for given in ([name], [f"none{name}"], ["--cookies", name, "http://127.0.0.1:1/"]):
        process = await command.start("-o", f"folder{name}", "--retries", "0", *given)
        out, err = await asyncio.wait_for(process.communicate(), LIMIT)
        assert process.returncode in (1, 2)
        assert_harmless(out.decode())
        assert_harmless(err.decode())


async def test_tracebacks_and_the_debug_log_do_not_steer_the_terminal(tmp_path: Path) -> None:
    try:
        raise ValueError(NASTY)
    except ValueError:
        record = logging.LogRecord("l", logging.DEBUG, "f", 1, "%s", (NASTY,), sys.exc_info())
    text = SafeFormatter("%(name)s: %(message)s").format(record)
    assert_harmless(text)
    assert len(text.splitlines()) > 3

    told = io.StringIO()
    defect = Failed(
        index=0,
        origin="#1",
        url="http://h.test/",
        kind=ErrorKind.INTERNAL,
        message=NASTY,
        traceback=f"Traceback:\n  {NASTY}\n",
    )
    view = OutcomeView(tmp_path, quiet=False, verbose=True, progress=False, debug=True)
    with contextlib.redirect_stderr(told):
        async with Terminal(
            lambda: ProgressState(1, 1, 1, 0), lambda: None, progress=False
        ) as screen:
            view.show(defect, screen)
    assert "Traceback:" in told.getvalue()
    assert_harmless(told.getvalue())


# Redirects out of the web


async def test_a_redirect_out_of_the_web_is_refused_and_no_local_file_is_read(
    command: Command, outside: Path
) -> None:
    secret = (outside / "mine").as_posix()
    locations = [
        f"file://{secret}",
        f"file:{secret}",
        f"FILE:///{secret}",
        f"file://localhost{secret}",
        f"\tfi\nle://{secret}".replace("\n", "\t"),
        f"view-source:file://{secret}",
        f"ftp://127.0.0.1{secret}",
        "javascript:alert(1)",
        "data:text/html,owned",
        "data:text/html;base64,bWluZQ==",
        "blob:http://127.0.0.1/x",
        "about:blank",
        "ws://127.0.0.1/",
        "gopher://127.0.0.1/",
        "mailto:a@b",
        f"jar:file://{secret}!/",
        "urn:x",
    ]

    async def lead_away(request: Request, writer: asyncio.StreamWriter) -> None:
        await redirect(writer, locations[int(request.path[1:])])

    async with fault_server() as server:
        server.otherwise = lead_away
        urls = [server.url(f"/{number}") for number in range(len(locations))]
        ran = await command("-o", "folder", *urls, server.url("/page"))
    assert ran.status == 1
    assert len([line for line in ran.err if "(redirect)" in line]) == len(locations)
    (saved,) = saved_files(command.folder / "folder")
    assert (command.folder / "folder" / saved).read_bytes() == PAGE


async def test_a_list_cannot_name_a_local_file_either(command: Command, outside: Path) -> None:
    async with fault_server() as server:
        given = [f"file://{outside / 'mine'}", str(outside / "mine"), "file:mine", "./mine"]
        ran = await command(
            "-", "-o", "folder", stdin="\n".join([*given, server.url("/page")]).encode()
        )
    assert ran.status == 1
    assert len(ran.err) == len(given)
    assert len(saved_files(command.folder / "folder")) == 1
