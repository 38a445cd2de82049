"""Reports as data: the same facts in every format, whole whatever happens to the run."""

import asyncio
import csv
import json
import re
import signal
import ssl
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.command import Command, finished, shown_size
from tests.support.files import saved_files
from tests.support.handlers import keeps, sends
from tests.support.reports import SCHEMA, records
from tests.support.web_server import Site

VALID_REPORT = jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/report"})


def by_path(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {re.sub("https?://[^/]*", "", record["url"]): record for record in found}


async def test_every_format_tells_the_same_of_every_kind_of_line(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/page": "<p>Grüße</p>", "/blob": b"\0\1", "/moved": sends(status=302)}
    site.pages["/moved"] = sends(headers={"Location": "/blob"}, status=302)
    lines = [*map(site.url, ["/page", "/blob", "/moved", "/lost", "/page"]), "ftp://no.such/"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    files = ["r.jsonl", "r.json", "sub/r.csv"]
    ran = await command("list.txt", *(f"--report={file}" for file in files))
    assert ran.status == 1
    found = records(tmp_path / "r.jsonl")
    assert [record["index"] for record in sorted(found, key=lambda each: each["index"])] == [
        *range(6)
    ]
    whole = json.loads((tmp_path / "r.json").read_text("ascii"))
    VALID_REPORT.validate(whole)
    assert whole["records"] == found
    assert whole["run"]["failed"] == 2
    assert whole["run"]["complete"]
    rows = list(csv.DictReader((tmp_path / "sub/r.csv").read_text("utf-8").splitlines()))
    assert [row["url"] for row in rows] == [record["url"] for record in found]
    assert [row["decoded_bytes"] for row in rows] == [
        "" if (size := record["decoded_bytes"]) is None else str(size) for record in found
    ]
    told = {record["index"]: record for record in found}
    page, moved, lost, repeated, wrong = (told[each] for each in (0, 2, 3, 4, 5))
    assert (page["characters"], page["decoded_bytes"]) == (12, 14)
    assert page["charset_source"] == "header"
    assert page["first_byte_seconds"] <= page["seconds"]
    assert (tmp_path / "downloaded_sites" / page["path"]).read_text() == "<p>Grüße</p>"
    assert moved["redirects"] == [site.url("/moved")]
    assert moved["final_url"] == site.url("/blob")
    assert (lost["kind"], lost["status"], lost["path"]) == ("http-status", 404, None)
    assert (repeated["outcome"], repeated["reason"]) == ("skipped", "duplicate")
    assert (wrong["kind"], wrong["attempts"]) == ("bad-url", 0)
    assert not list(tmp_path.rglob("*.part"))


async def test_a_second_run_tells_what_the_journal_knows(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages["/page"] = keeps(b"text", {"ETag": '"1"', "Content-Type": "text/plain"})
    (first,) = await _reported(command, site.url("/page"))
    (skipped,) = await _reported(command, site.url("/page"))
    (unchanged,) = await _reported(command, site.url("/page"), "--refresh")
    assert (skipped["outcome"], unchanged["outcome"]) == ("skipped", "unchanged")
    for name in ("path", "decoded_bytes", "characters", "sha256", "etag"):
        assert skipped[name] == unchanged[name] == first[name]
    assert (skipped["wire_bytes"], unchanged["wire_bytes"]) == (None, 0)


async def _reported(command: Command, *arguments: str) -> list[dict[str, Any]]:
    await command(*arguments, "--report", "r.jsonl")
    return records(command.folder / "r.jsonl")


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_no_save_measures_and_leaves_nothing(
    site: Site, command: Command, tmp_path: Path, processes: str
) -> None:
    large = b"x" * 3_000_000
    site.pages |= {"/": "Grüße", "/large": large, "/lost": sends(status=404)}
    ran = await command(
        *map(site.url, ["/", "/large", "/lost"]), "--no-save", "--processes", processes
    )
    assert ran.status == 1
    assert set(ran.out[:-1]) == {
        f"{site.url('')}: {shown_size('Grüße')}",
        f"{site.url('/large')}: {shown_size(large)}",
    }
    assert "2 measured" in ran.out[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize("flag", ["--refresh", "--verify", "-m", "-r", "-l2", "--single-file"])
async def test_no_save_refuses_what_needs_files(command: Command, flag: str) -> None:
    ran = await command("--demo", "--no-save", flag)
    assert ran.status == 2
    assert "needs saved files; leave out --no-save" in ran.err[-1]


async def test_what_a_page_needs_is_reported_with_that_page(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {
        "/": '<!DOCTYPE html><link rel="stylesheet" href="style.css"><img src="lost.png">',
        "/style.css": sends(b"p {}", {"Content-Type": "text/css"}),
    }
    ran = await command(site.url("/"), "-m", "--report=r.jsonl", "--report=r.html")
    assert ran.status == 1
    found = by_path(records(tmp_path / "r.jsonl"))
    parents = {path: record["parent"] for path, record in found.items()}
    page = site.url("/")
    assert parents == {"/": None, "/style.css": page, "/lost.png": page}
    assert f"found on {page}" in (tmp_path / "r.html").read_text()


async def test_no_save_verifies_as_any_other_run(site: Site, command: Command) -> None:
    site.pages["/cut"] = sends(b"0123456789", cut=5)
    ran = await command(site.url("/cut"), "--no-save", "--retries=0")
    assert ran.status == 1
    assert "(truncated)" in ran.err[0]


async def test_several_processes_report_as_one_does(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {f"/{number}": f"{number}" for number in range(20)}
    addresses = [site.url(f"/{number}") for number in range(20)]
    await command(*addresses, "--report", "r.jsonl", "--processes", "2")
    found = records(tmp_path / "r.jsonl")
    assert len(found) == 20
    assert all(record["first_byte_seconds"] is not None for record in found)


async def test_what_is_stopped_says_what_was_not_tried(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/fast": "done", "/slow": sends(b"0123", cut=1, stall=True)}
    lines = [site.url("/fast"), *(site.url(f"/slow?{number}") for number in range(30))]
    site.pages |= {f"/slow?{number}": site.pages["/slow"] for number in range(30)}
    (tmp_path / "list.txt").write_text("\n".join(lines))
    names = ["r.jsonl", "r.json", "r.csv"]
    process = await command.start("list.txt", "--per-host=2", *(f"--report={n}" for n in names))
    await site.asked(3)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert (await finished(process)).status == 130
    found = records(tmp_path / "r.jsonl")
    assert {record["outcome"] for record in found} == {"downloaded", "failed", "not-tried"}
    *_, last = found
    assert last["outcome"] == "not-tried"
    assert f"{31 - len(found) + 1} lines" in last["message"]
    whole = json.loads((tmp_path / "r.json").read_text())
    VALID_REPORT.validate(whole)
    assert whole["records"] == found
    assert not whole["run"]["complete"]
    assert (tmp_path / "r.csv").read_text().count("not-tried") == 1


async def test_lines_outlive_a_killed_run(site: Site, command: Command, tmp_path: Path) -> None:
    site.pages |= {"/fast": "done", "/slow": sends(b"0123", cut=1, stall=True)}
    report = tmp_path / "r.jsonl"
    process = await command.start(
        site.url("/fast"), site.url("/slow"), f"--report={report}", "--report=r.json"
    )
    assert process.stdout is not None
    assert await process.stdout.readline()
    process.kill()
    await finished(process)
    assert [record["outcome"] for record in records(report)] == ["downloaded"]
    assert not (tmp_path / "r.json").exists()


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("report.txt", "does not end in"),
        ("report", "does not end in"),
        ("file/report.json", "cannot write --report"),
        ("folder.json", "is a folder"),
        ("folder.jsonl", "cannot write --report"),
    ],
)
async def test_a_report_that_cannot_be_made_is_refused_before_the_run(
    site: Site, command: Command, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "folder.jsonl").mkdir()
    ran = await command(site.url(), "--report", name)
    assert (ran.status, site.requests) == (2, [])
    assert said in ran.err[-1]
    assert "--report" in ran.err[-1]


@pytest.mark.slow
async def test_one_name_for_two_reports_is_refused(command: Command, tmp_path: Path) -> None:
    ran = await command("--demo", "--report=r.json", f"--report={tmp_path / 'r.json'}")
    assert (ran.status, ran.err) == (
        2,
        [f"download: {tmp_path / 'r.json'} is named twice; give each report a name of its own"],
    )


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize("flag", ["--report", "--lock"])
@pytest.mark.parametrize("name", ["list.jsonl", "link.jsonl"])
async def test_a_list_is_not_written_over_while_it_is_read(
    site: Site, command: Command, tmp_path: Path, flag: str, name: str
) -> None:
    lines = f'{{"url": "{site.url()}"}}\n'
    (tmp_path / "list.jsonl").write_text(lines)
    (tmp_path / "link.jsonl").symlink_to("list.jsonl")
    ran = await command("list.jsonl", flag, name)
    assert (ran.status, site.requests) == (2, [])
    assert f"{name} is named twice" in ran.err[-1]
    assert (tmp_path / "list.jsonl").read_text() == lines


async def test_a_full_disk_stops_the_run(command: Command, tmp_path: Path) -> None:
    (tmp_path / "full.jsonl").symlink_to("/dev/full")
    ran = await command("--demo", "--report=full.jsonl")
    assert ran.status == 3
    assert "cannot write --report full.jsonl: No space left on device" in ran.err[-1]


async def test_reports_of_an_earlier_run_stay_when_this_one_cannot_be_made(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "r.jsonl").write_text("earlier")
    (tmp_path / "r.json").write_text("earlier")
    (tmp_path / "file").touch()
    ran = await command("--demo", "-o", "file", "--report=r.jsonl", "--report=r.json")
    assert ran.status in (2, 3)
    assert {(tmp_path / name).read_text() for name in ("r.jsonl", "r.json")} == {"earlier"}
    assert not (tmp_path / "r.json.part").exists()


async def test_where_one_report_is_refused_the_others_are_made(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "full.json.part").symlink_to("/dev/full")
    ran = await command("--demo", "--report=full.json", "--report=r.json")
    assert ran.status == 3
    whole = json.loads((tmp_path / "r.json").read_text())
    VALID_REPORT.validate(whole)
    assert whole["run"]["urls"] > 0


async def test_what_an_encrypted_request_waits_for(tmp_path: Path, command: Command) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    app = web.Application()
    app.router.add_get("/", sends(b"secret"))
    server = TestServer(app, host="localhost", scheme="https")
    await server.start_server(ssl=context)
    url = f"https://localhost:{server.port}/"
    ran = await command(url, f"{url}?2", "-j1", "--cacert=ca.pem", "--report=r.jsonl")
    await server.close()
    assert ran.status == 0
    first, second = records(tmp_path / "r.jsonl")
    parts = [f"{part}_seconds" for part in ("dns", "connect", "tls", "first_byte", "transfer")]
    assert None not in [first[part] for part in parts]
    assert sum(first[part] for part in parts) <= first["seconds"]
    # The second one uses the connection of the first.
    assert [second[part] for part in parts[:3]] == [None, None, None]
    assert second["first_byte_seconds"] > 0


@pytest.mark.slow
async def test_a_report_is_a_list(site: Site, command: Command, tmp_path: Path) -> None:
    site.pages |= {"/a": "a", "/b": b"b"}
    await command(site.url("/a"), site.url("/b"), "--report=r.csv", "--report=r.jsonl")
    site.pages["/b"] = b"changed"
    for name in ("r.csv", "r.jsonl"):
        ran = await command(name, "--output", name.replace(".", "_"))
        # The hashes of the earlier run are not compared: --locked does that.
        assert ran.status == 0
        assert len(saved_files(tmp_path / name.replace(".", "_"))) == 2


@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=pytest.mark.slow)])
async def test_standard_output_gets_records_and_nothing_else(
    site: Site, command: Command, processes: str
) -> None:
    site.pages |= {f"/{number}": "page" for number in range(20)}
    addresses = [*map(site.url, [*site.pages, "/lost"])]
    (command.folder / "old.jsonl").touch()
    ran = await command(
        *addresses,
        *("--report=-", "--report=r.csv", "-v", "--sizes", "--compare=old.jsonl"),
        *("--budget=requests=1", "--processes", processes),
    )
    assert ran.status == 1
    told = [json.loads(line) for line in ran.out]
    assert sorted(record["url"] for record in told) == sorted(addresses)
    assert {record["outcome"] for record in told} == {"downloaded", "failed"}
    assert not [line for line in ran.err if line.startswith("Downloaded")]
    for beginning in ("Failed ", "21 URLs: ", "Report: r.csv", "Over budget", "Since old.jsonl"):
        assert any(line.startswith(beginning) for line in ran.err), beginning
    (command.folder / "r.jsonl").write_text("\n".join(ran.out))
    merged = await command("merge", "r.jsonl", "--report=-")
    assert merged.out == ran.out
    assert merged.err[0].startswith("21 URLs in 1 report")


async def test_a_reader_that_stops_ends_the_run_and_leaves_the_other_reports_whole(
    site: Site, command: Command
) -> None:
    never = asyncio.Event()

    async def hangs(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    site.pages |= {**{f"/{number}": "page" for number in range(5)}, "/hangs": hangs}
    (command.folder / "list").write_text("\n".join(map(site.url, site.pages)))
    process = await command.start("list", "--report=-", "--report=r.json", "-j1")
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert process.stderr is not None
    err = (await process.stderr.read()).decode()
    assert await process.wait() == 130
    assert (first["outcome"], err) == ("downloaded", "")
    whole = json.loads((command.folder / "r.json").read_text("ascii"))
    VALID_REPORT.validate(whole)
    assert first in whole["records"]
    told = [record for record in whole["records"] if record["outcome"] != "not-tried"]
    assert len(told) == whole["run"]["urls"]
    never.set()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("-o", "-"), "-o - and --report - both write to standard output"),
        (("--report=-",), "- is named twice"),
    ],
)
async def test_standard_output_takes_one_thing(
    command: Command, options: tuple[str, ...], problem: str
) -> None:
    ran = await command("http://h.invalid/", "--report", "-", *options)
    assert (ran.status, ran.out) == (2, [])
    assert problem in ran.err[-1]
