"""One URL saved as a file that ``-o`` names, or written to standard output."""

import os
import threading
from pathlib import Path

import pytest

from downloader import Downloaded, Options
from downloader.errors import ErrorKind
from tests.support.command import Command, finished, shown_size
from tests.support.handlers import in_turn, keeps, sends
from tests.support.library import downloaded, fetch
from tests.support.web_server import Site

PAGE = "<!DOCTYPE html><title>Page</title>"
BODY = os.urandom(3_000_000)


def _entries(folder: Path) -> set[str]:
    """Return all that is below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("page.html", "page.html"),
        ("sub/data.tar.gz", "sub/data.tar.gz"),
        ("a: b.json", "a: b.json"),
        (".hidden.txt", ".hidden.txt"),
        ("page.unheard", "page.unheard"),
        # These are folders.
        ("page", "page/HOST/x.unheard"),
        ("page.html/", "page.html/HOST/x.unheard"),
        ("example.com", "example.com/HOST/x.unheard"),
        ("127.0.0.1", "127.0.0.1/HOST/x.unheard"),
        ("version-1.2", "version-1.2/HOST/x.unheard"),
    ],
)
async def test_a_name_with_an_extension_is_a_file_and_any_other_a_folder(
    site: Site, command: Command, output: str, path: str
) -> None:
    site.pages = {"/x.unheard": b"body"}
    ran = await command(site.url("/x.unheard"), "-o", output)
    assert ran.status == 0, ran.err
    path = path.replace("HOST", site.folder)
    assert ran.out[0] == f"Downloaded {path}: 4 B"
    assert (command.folder / path).read_bytes() == b"body"
    if "HOST" not in path and site.folder not in path:
        parents = {str(parent) for parent in Path(path).parents} - {"."}
        assert _entries(command.folder) == {path, *parents}


async def test_an_existing_folder_stays_one_and_an_existing_file_is_replaced(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    (command.folder / "folder.html").mkdir()
    (command.folder / "file").write_text("old")
    assert (await command(site.url("/"), "-o", "folder.html")).status == 0
    assert (command.folder / "folder.html" / f"{site.folder}.html").exists()
    for _ in range(2):
        ran = await command(site.url("/"), "-o", "file")
        assert ran.out[0] == f"Downloaded file: {shown_size(PAGE)}"
    assert (command.folder / "file").read_text() == PAGE
    assert not (command.folder / ".download").exists()
    assert not (command.folder / "file.~1~").exists()


async def test_a_list_and_several_urls_need_a_folder(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE}
    (command.folder / "list.txt").write_text(site.url("/a"))
    for number, source in enumerate(["list.txt"], 1):
        ran = await command(source, "-o", f"{number}.html")
        assert (command.folder / f"{number}.html" / site.folder / "a.html").exists(), ran.err
    (command.folder / "old.html").write_text("old")
    ran = await command(site.url("/a"), site.url("/b"), "-o", "old.html")
    assert ran.status == 2
    assert ran.err == ["download: old.html is a file, not a folder; see --output"]
    assert (command.folder / "old.html").read_text() == "old"


@pytest.mark.parametrize(
    "extra", [["list.txt"], ["http://127.0.0.1:9/"], ["-m"], ["--pack", "warc"]]
)
async def test_standard_output_takes_one_url(
    site: Site, command: Command, extra: list[str]
) -> None:
    ran = await command(site.url("/"), "-o", "-", *extra)
    assert ran.status == 2
    assert "Error: -o - writes one body to standard output: name one URL" in ran.err[-1]
    assert site.requests == []


@pytest.mark.parametrize("body", [b"", b"small\x00\xff", BODY], ids=["empty", "small", "large"])
@pytest.mark.parametrize(
    "output", [("-",), ("/dev/stdout",), ("-", "--processes", "2")], ids=" ".join
)
async def test_standard_output_gets_the_body_and_nothing_else(
    site: Site, command: Command, body: bytes, output: tuple[str, ...]
) -> None:
    site.pages = {"/x": body}
    process = await command.start(site.url("/x"), "-v", "-o", *output)
    out, err = await process.communicate()
    assert process.returncode == 0
    assert out == body
    assert f"Downloaded -: {shown_size(body)}".encode() in err
    assert _entries(command.folder) == set()


async def test_nothing_is_written_of_a_body_that_fails(site: Site, command: Command) -> None:
    site.pages = {"/x": sends(BODY, {"ETag": '"1"'}, cut=2_000_000)}
    for output in ("-", "x.bin"):
        process = await command.start(site.url("/x"), "-o", output, "--retries", "0")
        ran = await finished(process)
        assert ran.status == 1
        assert not [line for line in ran.out if not line.startswith("1 URL")]
        assert _entries(command.folder) == set()


@pytest.mark.parametrize("body", [b"small", BODY, None], ids=["small", "large", "failed"])
async def test_a_part_file_of_another_program_stays(
    site: Site, command: Command, body: bytes | None
) -> None:
    if body is not None:
        site.pages = {"/x.iso": body}
    other = command.folder / "x.iso.part"
    other.write_text("half of it")
    ran = await command(site.url("/x.iso"), "-o", "x.iso")
    assert ran.status == (1 if body is None else 0)
    assert other.read_text() == "half of it"
    assert _entries(command.folder) == {"x.iso.part", *([] if body is None else ["x.iso"])}


async def test_a_body_that_breaks_is_written_once(site: Site, tmp_path: Path) -> None:
    stream = tmp_path / "pipe"
    os.mkfifo(stream)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(stream.read_bytes()))
    reader.start()
    headers = {"ETag": '"1"'}
    site.pages = {"/x": in_turn(sends(BODY, headers, cut=2_000_000), keeps(BODY, headers))}
    [outcome] = await fetch([site.url("/x")], tmp_path, Options(stream=stream))
    reader.join()
    assert downloaded(outcome).attempts == 2
    assert received == [BODY]


async def test_a_file_is_resumed_within_a_run(site: Site, tmp_path: Path) -> None:
    headers = {"ETag": '"1"'}
    site.pages = {"/x": in_turn(sends(BODY, headers, cut=2_000_000), keeps(BODY, headers))}
    [outcome] = await fetch([site.url("/x")], tmp_path, Options(file="x.bin"))
    assert downloaded(outcome).resumed_at > 0
    assert (tmp_path / "x.bin").read_bytes() == BODY
    assert _entries(tmp_path) == {"x.bin"}


async def test_the_second_url_fails_and_replaces_nothing(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": b"a", "/b": b"b"}
    first, second = await fetch(
        [site.url("/a"), site.url("/b")], tmp_path, Options(file="x.bin", name_template="{name}")
    )
    assert isinstance(first, Downloaded)
    assert not isinstance(second, Downloaded)
    assert (tmp_path / "x.bin").read_bytes() == b"a"


async def test_output_that_nobody_reads_ends_the_run(site: Site, command: Command) -> None:
    site.pages = {"/x": BODY}
    reading, writing = os.pipe()
    os.close(reading)
    process = await command.start(site.url("/x"), "-o", "-", stdout=writing)
    os.close(writing)
    ran = await finished(process)
    assert ran.status == 3
    assert f"({ErrorKind.DISK})" in ran.err[0]
    assert "cannot write to standard output: Broken pipe" in ran.err[0]


async def test_a_device_is_written_to(site: Site, command: Command) -> None:
    site.pages = {"/x": BODY}
    ran = await command(site.url("/x"), "-o", "/dev/null")
    assert ran.status == 0
    assert ran.err[0] == f"Downloaded /dev/null: {shown_size(BODY)}"
    assert _entries(command.folder) == set()
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("options", [{"mirror": True}, {"pack": "warc"}])
def test_a_mirror_and_a_pack_need_a_folder(options: dict[str, object]) -> None:
    for place in ({"file": "x"}, {"stream": Path("-")}):
        with pytest.raises(ValueError, match=r"folder|pack cannot be combined"):
            Options(**options, **place)  # type: ignore[arg-type]
