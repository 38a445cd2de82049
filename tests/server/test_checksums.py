"""Files are compared with lists such as SHA256SUMS, and such lists are written."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.handlers import sends
from tests.support.web_server import Site


def sha256(body: str | bytes) -> str:
    return hashlib.sha256(body.encode() if isinstance(body, str) else body).hexdigest()


def output_files(command: Command) -> set[str]:
    return saved_files(command.folder / "downloaded_sites")


async def test_a_release_is_verified_by_its_list_of_checksums(site: Site, command: Command) -> None:
    """As a user has it: a list beside the files, by names without their folder on the server."""
    bodies = {name: name.encode() * 10 for name in ("a.zip", "b.tar.gz", "sub/c.iso", "d e.txt")}
    site.pages |= {f"/v1/{name.replace(' ', '%20')}": body for name, body in bodies.items()}
    site.pages["/v1/notes"] = "notes"
    sums = [
        "# of version 1",
        f"MD5 (a.zip) = {'0' * 32}",
        f"{sha256(bodies['a.zip'])} *a.zip",
        f"{'0' * 64}  b.tar.gz",
        f"SHA512 (./sub/c.iso) = {hashlib.sha512(bodies['sub/c.iso']).hexdigest().upper()}",
        f"{hashlib.md5(bodies['d e.txt']).hexdigest()}  d e.txt",
        f"{'0' * 64}  c.iso",
        f"{'0' * 64}  not/wanted.zip",
        "-----BEGIN PGP SIGNATURE-----",
    ]
    (command.folder / "SHA256SUMS").write_bytes("\r\n".join(sums).encode())
    addresses = [site.url(path) for path in site.pages]
    ran = await command(*addresses, "--checksums", "SHA256SUMS")
    assert ran.status == 1
    failed, *notes = ran.err
    assert failed == (
        f"Failed {site.url('/v1/b.tar.gz')}: sha256 is {sha256(bodies['b.tar.gz'])}, expected "
        f"{'0' * 64}; the body has 80 bytes (checksum)"
    )
    assert notes == [
        "download: SHA256SUMS: 1 line is no checksum of a known kind",
        "download: SHA256SUMS: 1 file was not verified, because it has none for "
        f"{site.url('/v1/notes')}",
        "download: SHA256SUMS: 2 names of no URL of this run, such as c.iso",
    ]
    saved = {path.removeprefix(f"{site.folder}/v1/") for path in output_files(command)}
    assert saved == {"a.zip", "sub/c.iso", "d e.txt", "notes.html"}


async def test_what_was_saved_is_compared_too_and_fetched_again(
    site: Site, command: Command
) -> None:
    site.pages["/a.zip"] = b"old"
    await command(site.url("/a.zip"))
    site.pages["/a.zip"] = b"new"
    (command.folder / "sums").write_text(f"{sha256('new')}  a.zip\n")
    ran = await command(site.url("/a.zip"), "--checksums=sums")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[0].startswith("Downloaded ")
    ran = await command(site.url("/a.zip"), "--checksums=sums")
    assert ran.out[0].startswith("Skipped ")
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    "options",
    [("-r",), ("--processes=2",), ("--name-template={host}-{name}",)],
    ids=lambda options: options[0],
)
async def test_saved_paths_are_found_however_files_are_fetched_and_named(
    site: Site, command: Command, options: tuple[str, ...]
) -> None:
    site.pages |= {
        "/": "<a href=/page>1</a><a href=/wrong>2</a>",
        "/page": "page",
        "/wrong": "wrong",
    }
    folder = f"{site.folder}-" if "template" in options[0] else f"{site.folder}/"
    (command.folder / "sums").write_text(
        f"{sha256('page')}  ./{folder}page.html\n{sha256('other')}  {folder}wrong.html\n"
    )
    addresses = [site.url("/")] if "-r" in options else [site.url("/page"), site.url("/wrong")]
    ran = await command(*addresses, "--checksums=sums", "--report=r.csv", *options)
    assert ran.status == 1
    assert f"Failed {site.url('/wrong')}: sha256 is" in ran.err[0]
    assert "(checksum)" in ran.err[0]
    assert [line for line in ran.err if "no URL of this run" in line] == []
    assert f"{site.url('/page')},downloaded" in (command.folder / "r.csv").read_text()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "has no checksums; give a file that sha256sum has written"),
        (b"\x7fELF\0\0" * 100, "has no checksums"),
        (f"{'0' * 64}  a\n{'1' * 64}  a\n".encode(), "has two checksums for a"),
        (b"x" * 70_000, "has a line of more than 64 KiB"),
        (None, "does not exist"),
    ],
    ids=["empty", "binary", "two", "long", "missing"],
)
async def test_a_file_of_no_checksums_is_refused_before_anything_is_fetched(
    site: Site, command: Command, text: bytes | None, problem: str
) -> None:
    if text is not None:
        (command.folder / "sums").write_bytes(text)
    ran = await command(site.url("/"), "--checksums=sums")
    assert (ran.status, site.requests) == (2, [])
    assert problem in ran.err[-1]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
@pytest.mark.parametrize("mirrors", [False, True])
async def test_sha256sum_accepts_what_is_written(
    site: Site, command: Command, tmp_path: Path, mirrors: bool
) -> None:
    site.pages |= {
        "/": '<!DOCTYPE html><a href="/lost">gone</a><img src="i.png"><a href="/page">p</a>',
        "/i.png": sends(b"\x89PNG", {"Content-Type": "image/png"}),
        "/page": "page",
        "/named": "named",
        "/lost": sends(status=404),
    }
    (tmp_path / "list.txt").write_text(
        "\n".join(map(site.url, ["/", "/i.png", "/page", "/lost", "/named"])) + "\n out=-ü* .txt"
    )
    report = tmp_path / "downloaded_sites" / "SHA256SUMS"
    options = ["list.txt", f"--report={report}", *(["-m"] if mirrors else [])]
    for _ in range(2):
        await command(*options)
        checked = subprocess.run(  # noqa: ASYNC221 - of four small files
            ["sha256sum", "-c", "--strict", "SHA256SUMS"],
            cwd=report.parent,
            capture_output=True,
            check=True,
        )
        assert len(checked.stdout.splitlines()) == 4
    # What it has written holds another run to the same bodies.
    if not mirrors:
        ran = await command("list.txt", "-o", "again", "--checksums", report)
        assert [line for line in ran.err if "(checksum)" in line or "not verified" in line] == []


@pytest.mark.parametrize("option", ["--no-save", "--pack=warc", "-o-"])
async def test_a_list_of_files_needs_files(command: Command, option: str) -> None:
    ran = await command("http://h.invalid/", "--report=SHA256SUMS", option)
    assert ran.status == 2
    assert "--report SHA256SUMS lists saved files; leave out" in ran.err[-1]
