"""The columns of a list go with its lines into the reports, beside the address as written."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.support.command import Command
from tests.support.parquet import parquet_bytes, read_rows
from tests.support.reports import records
from tests.support.web_server import Site

PAGE = "<p>page"
ENDINGS = ("jsonl", "json", "csv", "parquet")
REPORTS = [part for ending in ENDINGS for part in ("--report", f"r.{ending}")]


def rows(folder: Path, ending: str) -> list[dict[str, Any]]:
    """Return the rows of a report, those of a table with empty cells as None, in list order."""
    file = folder / f"r.{ending}"
    if ending == "parquet":
        found = read_rows(file)
    elif ending == "csv":
        with file.open(newline="", encoding="utf-8") as lines:
            found = [{k: v or None for k, v in row.items()} for row in csv.DictReader(lines)]
    elif ending == "json":
        found = json.loads(file.read_text())["records"]
    else:
        found = records(file)
    return sorted(found, key=lambda row: int(row["index"]))


def columns(row: dict[str, Any], *names: str) -> list[Any]:
    """Return the columns of a line, wherever the format has them."""
    return [row.get("columns", row).get(name) for name in names]


async def test_every_report_can_be_joined_to_its_list(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE, "/%C3%A9": PAGE}
    host = site.url("").removeprefix("http://").replace("127.0.0.1", "LOCALHOST")
    written = [
        f"HTTP://{host}/a",
        f" http://{host}/é#part",
        f"http://{host}/?a:b@c",
        "",
        "ftp://x/",
    ]
    table = "id;status;Page;=title\n" + "".join(
        f"{number};s{number};{address};=t{number}\n" for number, address in enumerate(written)
    )
    (command.folder / "list.csv").write_text(table, encoding="utf-8")
    ran = await command("list.csv", *REPORTS)
    assert ran.status == 1
    for ending in ENDINGS:
        found = rows(command.folder, ending)
        assert [row["input"] or "" for row in found] == [address.strip() for address in written]
        assert [int(row["line"]) for row in found] == [2, 3, 4, 5, 6]
        assert [columns(row, "id")[0] for row in found] == ["0", "1", "2", "3", "4"]
        status = "status" if ending.startswith("json") else "input_status"
        assert [columns(row, status)[0] for row in found] == ["s0", "s1", "s2", "s3", "s4"]
        assert int(found[0]["status"]) == 200
        assert "Page" not in found[0].get("columns", found[0])
    assert columns(rows(command.folder, "jsonl")[1], "=title") == ["=t1"]
    # No cell of the table is a formula, and no title of a column.
    assert columns(rows(command.folder, "csv")[1], "'=title") == ["'=t1"]


async def test_types_of_json_and_parquet_are_kept(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE}
    values: list[dict[str, object]] = [
        {"i": 1, "f": 1.5, "b": True, "t": "x", "mixed": 1, "big": 2**70, "nested": {"x": [1]}},
        {"i": 2, "f": 2, "b": None, "t": "y", "mixed": "z", "big": 1},
    ]
    items = [{"url": site.url(path), **v} for path, v in zip(("/a", "/b"), values, strict=True)]
    (command.folder / "list.json").write_text(json.dumps(items))
    ran = await command("list.json", *REPORTS)
    assert (ran.status, ran.err) == (0, [])
    first, second = (row["columns"] for row in rows(command.folder, "jsonl"))
    assert first == {**values[0], "nested": '{"x": [1]}'}
    assert second == values[1]
    first, second = rows(command.folder, "parquet")
    assert columns(first, "i", "f", "b", "t", "mixed") == [1, 1.5, True, "x", "1"]
    assert columns(second, "i", "f", "b", "t", "mixed") == [2, 2.0, None, "y", "z"]
    assert columns(first, "big", "nested") == [str(2**70), '{"x": [1]}']


async def test_the_columns_of_a_parquet_list_are_kept(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE}
    table = {
        "id": pa.array([7], pa.int32()),
        "link": [site.url("/a")],
        "price": [1.25],
        "is_new": [True],
        "seen": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")),
        "tags": [["a"]],
        "label": ["é"],
    }
    (command.folder / "list.parquet").write_bytes(parquet_bytes(table))
    ran = await command("list.parquet", *REPORTS)
    assert (ran.status, ran.err) == (0, [])
    (row,) = rows(command.folder, "parquet")
    assert columns(row, "id", "price", "is_new", "label", "tags") == [7, 1.25, True, "é", None]
    assert columns(row, "seen") == ["2023-11-14 22:13:20.000000001"]
    assert (row["input"], row["line"]) == (site.url("/a"), 1)


async def test_some_columns_can_be_chosen(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE}
    (command.folder / "list.csv").write_text(f"id,link,title,x\n1,{site.url('/a')},t,y\n")
    ran = await command("list.csv", *REPORTS, "--keep-columns", "Title,none,id")
    assert ran.status == 0
    assert ran.err == ["download: list.csv has no column named none to keep"]
    (row,) = rows(command.folder, "jsonl")
    assert row["columns"] == {"title": "t", "id": "1"}


async def test_lines_without_columns_have_their_address_and_number(
    site: Site, command: Command
) -> None:
    site.pages = {"/a": PAGE}
    secret = site.url("/a?b").replace("http://", "http://user:pa55@")
    (command.folder / "list").write_text(f"# comment\n{site.url('/a')}  # why\n{secret}\n")
    await command("list", site.url("/c"), *REPORTS)
    for ending in ENDINGS:
        found = rows(command.folder, ending)
        assert "pa55" not in (command.folder / f"r.{ending}").read_bytes().decode("latin-1")
        assert found[0]["input"] == site.url("/a")
        assert found[1]["input"] == secret.replace("pa55", "***")
        assert [row["line"] and int(row["line"]) for row in found] == [2, 3, None]


@pytest.mark.parametrize("extra", [["--processes", "2"], []])
async def test_skipped_and_repeated_lines_have_their_own_columns(
    site: Site, command: Command, extra: list[str]
) -> None:
    site.pages = {"/a": PAGE}
    (command.folder / "list.csv").write_text(f"id,url\n1,{site.url('/a')}\n2,{site.url('/a')}\n")
    for _ in range(2):
        await command("list.csv", *REPORTS, *extra)
        found = rows(command.folder, "jsonl")
        assert [row["columns"] for row in found] == [{"id": "1"}, {"id": "2"}]
    merged = await command("merge", "r.jsonl", "r.json", "--report", "m.jsonl")
    assert merged.status == 0
    ids = [row["columns"]["id"] for row in records(command.folder / "m.jsonl")]
    assert ids == ["1", "2", "1", "2"]


async def test_headers_and_bodies_of_requests_are_reported_only_by_name(
    site: Site, command: Command
) -> None:
    site.pages = {"/a": PAGE}
    item = {"url": site.url("/a"), "method": "GET", "headers": "X-Token: pa55", "id": 1}
    (command.folder / "list.jsonl").write_text(json.dumps(item))
    await command("list.jsonl", *REPORTS)
    (row,) = rows(command.folder, "jsonl")
    assert row["columns"] == {"method": "GET", "id": 1}
    (command.folder / "list.csv").write_text(f"url,Method,headers\n{site.url('/a')},GET,X: pa55\n")
    await command("list.csv", *REPORTS)
    (row,) = rows(command.folder, "jsonl")
    assert row["columns"] == {"Method": "GET"}
    await command("list.csv", *REPORTS, "--keep-columns", "headers")
    (row,) = rows(command.folder, "jsonl")
    assert row["columns"] == {"headers": "X: pa55"}


async def test_values_that_a_format_does_not_have_fail_no_report(command: Command) -> None:
    # Python reads somewhat deeper JSON than it writes, by a depth that depends on the caller.
    nested = [f'"deep": {"[" * depth}{"]" * depth}' for depth in range(970, 1000)]
    members = ['"number": 1.5', f'"number": 1{"0" * 400}', r'"\udc00": "\ud800"', *nested]
    lines = [f'{{"url": "ftp://x/{n}", {member}}}' for n, member in enumerate(members)]
    (command.folder / "list.jsonl").write_text("\n".join(lines))
    ran = await command("list.jsonl", *REPORTS)
    assert ran.status == 1, ran.err
    assert not any("internal error" in line for line in ran.err)
    for ending in ENDINGS:
        found = rows(command.folder, ending)
        assert len(found) == len(lines)
        assert [float(columns(row, "number")[0] or 0) for row in found[:1]] == [1.5]
    assert columns(rows(command.folder, "parquet")[1], "number") == [None]
    assert columns(rows(command.folder, "parquet")[2], "\\udc00") == ["\\ud800"]


async def test_huge_columns_are_left_out_and_said(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE}
    text = f"id,text,url\n1,{'x' * 40_000},{site.url('/a')}\n2,short,{site.url('/b')}\n"
    (command.folder / "list.csv").write_text(text)
    ran = await command("list.csv", *REPORTS)
    assert ran.status == 0
    assert ran.err == [
        "download: list.csv has lines whose columns have more than 32,768 characters; "
        "the report is without the longest"
    ]
    found = rows(command.folder, "jsonl")
    assert [row["columns"] for row in found] == [
        {"id": "1", "text": None},
        {"id": "2", "text": "short"},
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "utf-8"])
async def test_a_table_of_a_spreadsheet_is_read_in_its_encoding(
    site: Site, command: Command, encoding: str
) -> None:
    titles = {"cp1251": "Привет, мир", "cp1252": "Größe „A“", "utf-8": "Привет „ß“"}
    site.pages["/a"] = "page"
    (command.folder / "list.csv").write_bytes(
        f"link;name;n\r\n{site.url('/a')};{titles[encoding]};1\r\n".encode(encoding)
    )
    template = ("--name-template", "{column.name}{ext}")
    ran = await command("list.csv", "-o", "out", "--report=r.jsonl", *template)
    assert ran.status == 0
    (record,) = records(command.folder / "r.jsonl")
    assert record["columns"] == {"name": titles[encoding], "n": "1"}
    # The template decides, although a column is called name.
    assert record["path"] == f"{titles[encoding]}.html"
    name = encoding if encoding != "utf-8" else ""
    assert [line for line in ran.err if "not in UTF-8" in line] == (
        [f"download: list.csv is not in UTF-8; it is read as {name}"] if name else []
    )
