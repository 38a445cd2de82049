"""Web archives of other tools, cut, hostile or damaged, are read as far as they are whole."""

import gzip
import random
import zlib
from pathlib import Path

import pytest

from downloader import Failed
from downloader.archive import gzip_members
from downloader.errors import ErrorKind
from tests.support.archives import download_archives, write_warc
from tests.support.files import contents, saved_files

PAGE = "<!doctype html><title>Lights</title><p>The lamp turns.</p>" * 20


async def test_files_of_other_tools_are_read_whatever_became_of_their_chunks(
    tmp_path: Path,
) -> None:
    html, chunks = ("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")
    path = write_warc(
        tmp_path / "a.warc.gz",
        ("http://h/a", "200 OK", [html, chunks], b"3;x=y\r\none\r\n4\r\ntwo!\r\n0\r\n\r\n"),
        ("http://h/b", "200 OK", [html, chunks], b"removed, but still said"),
        ("http://h/c", "301 Moved", [("Location", "/d")], b""),
        ("http://h/d", "200 OK", [html], b"there"),
        ("ftp://h/e", "200 OK", [html], b"not of the web"),
        ("http://h/f", "200 OK", [html, chunks], b"ff\r\ncut"),
    )
    outcomes = await download_archives(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {
        "h/a.html": b"onetwo!",
        "h/b.html": b"removed, but still said",
        "h/c.html": b"there",
    }
    assert len(outcomes) == 4, "where only a redirect leads to is no target"
    assert isinstance(outcomes[3], Failed)
    assert outcomes[3].kind is ErrorKind.TRUNCATED


async def test_a_cut_archive_gives_what_is_whole(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(20_000)
    nothing: list[tuple[str, str]] = []
    answers = [(f"http://h/{n}", "200 OK", nothing, noise + bytes([n])) for n in range(3)]
    path = write_warc(tmp_path / "a.warc.gz", *answers)
    path.write_bytes(path.read_bytes()[:-8000])
    outcomes = await download_archives(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {"h/0.bin": noise + b"\0", "h/1.bin": noise + b"\1"}
    assert isinstance(outcomes[2], Failed)
    assert outcomes[2].kind is ErrorKind.TRUNCATED


async def test_hostile_heads_are_bounded(tmp_path: Path) -> None:
    fields = [(f"X-{number}", "y" * 50) for number in range(5000)]
    path = write_warc(
        tmp_path / "a.warc.gz",
        ("http://h/many", "200 OK", fields, b"many"),
        ("http://h/long", "200 OK", [("X", "y" * 300_000)], b"long"),
        ("http://h/../../../etc/passwd", "200 OK", [], b"no way out"),
        ("http://h/escape\x1b[31m", "200 OK", [], b"red"),
    )
    await download_archives(path, folder=tmp_path / "out")
    assert all("\x1b" not in file for file in saved_files(tmp_path / "out"))
    assert contents(tmp_path / "out")["h/etc/passwd.txt"] == b"no way out"
    assert {file.name for file in tmp_path.iterdir()} == {"a.warc.gz", "out"}


async def test_a_length_without_end_is_no_length(tmp_path: Path) -> None:
    fields = [("Content-Length", "9" * 5000)]
    path = write_warc(tmp_path / "a.warc.gz", ("http://h/a", "200 OK", fields, b"all of it"))
    await download_archives(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {"h/a.txt": b"all of it"}


def test_zlib_and_isal_give_the_same_members(monkeypatch: pytest.MonkeyPatch) -> None:
    data = PAGE.encode()
    for module in (zlib, gzip_members._zlib):
        monkeypatch.setattr(gzip_members, "_zlib", module)
        assert gzip.decompress(gzip_members.gzip_member(data)) == data
        for compress in (True, False):
            member = b"".join(
                gzip_members.iter_gzip_member((data[:7], data[7:]), compress=compress)
            )
            assert gzip.decompress(member) == data
