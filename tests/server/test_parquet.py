"""Parquet as a list and as a report, through the real command."""

import gzip
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from downloader.models.url_record import FIELD_NAMES
from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.parquet import parquet_bytes, read_rows
from tests.support.reports import records
from tests.support.web_server import Site


@pytest.mark.parametrize("name", ["list.parquet", "list"])
@pytest.mark.parametrize("way", ["file", "standard input"])
async def test_a_parquet_file_is_a_list(
    site: Site, command: Command, tmp_path: Path, name: str, way: str
) -> None:
    site.pages |= {"/a": b"a", "/b": b"b"}
    data = parquet_bytes(
        {
            "id": [1, 2, 3],
            "URL": [site.url("/a"), None, site.url("/b")],
            "name": ["named.bin", None, None],
            "sha256": [None, None, "0" * 64],
        }
    )
    (tmp_path / name).write_bytes(data)
    if way == "file":
        ran, shown = await command(name), name
    else:
        ran, shown = await command("-", stdin=data), "stdin"
    assert ran.status == 1
    assert saved_files(tmp_path / "downloaded_sites") == {"named.bin"}
    assert any(line.startswith(f"Failed {shown}:2: no url in the row") for line in ran.err)
    assert any("sha256 is" in line for line in ran.err)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["dictionary", "DELTA_BYTE_ARRAY"])
def test_a_small_file_cannot_ask_for_much_memory(how: str) -> None:
    # Without a bound, a batch would have all rows, and take twice 600 MiB.
    column = pa.array(["x" * 1024**2] * 600)
    data = (
        parquet_bytes({"url": column.dictionary_encode()}, compression="zstd")
        if how == "dictionary"
        else parquet_bytes(
            {"url": column}, compression="zstd", use_dictionary=False, column_encoding={"url": how}
        )
    )
    del column
    assert len(data) < 100_000
    # What is freed stays counted in the most there was, so this runs in a process of its own.
    said = subprocess.run(
        [sys.executable, "-c", _READ_AND_TELL], input=data, capture_output=True, check=True
    ).stdout.split()
    assert int(said[0]) == 600
    assert int(said[1]) < 450 * 1024**2


_READ_AND_TELL = """
import io, sys, pyarrow
from downloader.sources.formats.parquet import parse
from downloader.sources.list_input import ListInput
file = io.BytesIO(sys.stdin.buffer.read())
count = sum(1 for _ in parse(ListInput("list", iter(()), "", file)))
print(count, pyarrow.default_memory_pool().max_memory())
"""


@pytest.mark.parametrize("name", ["list.parquet.gz", "list"])
async def test_bad_files_end_the_command_with_one_line(
    command: Command, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(gzip.compress(parquet_bytes({"url": ["h.example"]})))
    ran = await command(name)
    assert ran.status == 2
    assert ran.err == [f"download: {name} is Parquet within gzip; gunzip it first"]
    (tmp_path / "cut.parquet").write_bytes(parquet_bytes({"url": ["h.example"]})[:-3])
    ran = await command("cut.parquet")
    assert (ran.status, len(ran.err)) == (2, 1)
    assert ran.err[0].startswith("download: cut.parquet is corrupt Parquet")


@pytest.mark.slow
async def test_without_pyarrow_both_say_how_to_get_it(
    site: Site, command: Command, tmp_path: Path
) -> None:
    # What is not installed cannot be taken away for one test: a module before it says the same.
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError(name='pyarrow')\n")
    command.environment["PYTHONPATH"] = os.pathsep.join(
        [str(tmp_path), *filter(None, [command.environment.get("PYTHONPATH")])]
    )
    (tmp_path / "list.parquet").write_bytes(parquet_bytes({"url": [site.url()]}))
    said = "needs pyarrow, which is not installed; pip install 'download-sites[cloud]'"
    ran = await command("list.parquet")
    assert (ran.status, ran.err) == (2, [f"download: list.parquet {said}"])
    ran = await command(site.url(), "--report=r.parquet")
    assert (ran.status, ran.err) == (2, [f"download: --report r.parquet {said}"])
    assert site.requests == []
    assert not list(tmp_path.glob("r.parquet*"))
    assert (await command("--demo", "--report=r.jsonl")).status == 1


@pytest.mark.slow
async def test_a_report_holds_what_json_lines_hold(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/page": "<p>Grüße</p>", "/blob": b"\0\1"}
    lines = [*map(site.url, ["/page", "/blob", "/lost", "/page"]), "ftp://no.such/"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    await command("list.txt", "--report=r.jsonl", "--report=sub/r.parquet")
    rows = read_rows(tmp_path / "sub/r.parquet")
    expected = records(tmp_path / "r.jsonl")
    for record in expected:
        if record["started"]:
            record["started"] = datetime.fromisoformat(record["started"])
    assert rows == expected
    assert list(rows[0]) == list(FIELD_NAMES)
    schema = pq.read_schema(tmp_path / "sub/r.parquet")
    assert schema.field("decoded_bytes").type == pa.int64()
    assert schema.field("seconds").type == pa.float64()
    assert schema.field("started").type == pa.timestamp("ms", "UTC")
    assert pa.types.is_dictionary(schema.field("kind").type)
    about = pq.read_metadata(tmp_path / "sub/r.parquet").metadata
    assert json.loads(about[b"download.run"])["failed"] == 2
    assert not list(tmp_path.rglob("*.part"))
    # It is a list, and what a later run is compared with.
    ran = await command("sub/r.parquet", "--no-save", "--compare=sub/r.parquet")
    assert ran.out[-1].startswith("Since sub/r.parquet: 4 same")
    assert "fails now" not in "\n".join(ran.out)


@pytest.mark.slow
async def test_what_is_no_report_cannot_be_compared_with(command: Command, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(parquet_bytes({"url": ["h.example"]}))
    ran = await command("--demo", "--compare=x.parquet")
    assert ran.status == 2
    assert ran.err[-1].startswith("download: x.parquet has no column named outcome")
