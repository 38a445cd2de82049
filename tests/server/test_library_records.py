"""The library reads lists with their columns, and hands out records as reports have them."""

import json
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import pytest

from downloader import (
    Downloaded,
    ErrorKind,
    Failed,
    Options,
    SourceError,
    download_sites,
    iter_sites,
    read_list,
)
from tests.support.command import Command
from tests.support.outcomes import one_of_each
from tests.support.reports import SCHEMA, VALID, records
from tests.support.web_server import Site


async def test_outcomes_of_a_list_have_the_records_that_a_report_of_the_command_has(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {"/a": "Grüße", "/b": b"\0"}
    (tmp_path / "list.csv").write_text(
        f"Titel;link;Preis\n„A“;{site.url('/a')};1\n;{site.url('/lost')};2\nC;no url;3\n"
        f"D;{site.url('/b')};4\n"
    )
    await command("list.csv", "--report", "r.jsonl", "-o", "one")
    outcomes = await download_sites(
        read_list(tmp_path / "list.csv"), tmp_path / "two", options=Options(timings=True)
    )
    told = sorted(records(tmp_path / "r.jsonl"), key=lambda record: record["index"])
    own = [outcome.to_dict() for outcome in outcomes]
    assert json.loads(json.dumps(own)) == own
    for expected, record in zip(told, own, strict=True):
        differing = {name for name in expected if record[name] != expected[name]}
        assert {name for name in differing if not name.endswith("seconds")} <= {
            *("started", "origin", "header_bytes")
        }
        assert record["columns"] == expected["columns"]
    first, *_, last = outcomes
    assert isinstance(first, Downloaded)
    assert first.source_line is not None
    assert first.source_line.columns == (("Titel", "„A“"), ("Preis", "1"))
    assert (last.index, own[-1]["line"]) == (3, 5)


def test_a_record_of_every_outcome_is_plain_and_as_the_schema_says() -> None:
    for outcome in one_of_each():
        record = outcome.to_dict()
        VALID.validate(record)
        assert list(record) == SCHEMA["$defs"]["record"]["required"]
        assert {type(value) for value in record.values()} <= {
            *(str, int, float, bool, list, type(None))
        }


async def test_records_are_a_table_for_pandas(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/a": "page", "/b": b"\0\1"}
    (tmp_path / "list.jsonl").write_text(
        "".join(
            json.dumps({"url": site.url(path), "price": price, "tags": ["x"]}) + "\n"
            for path, price in (("/a", 1.5), ("/b", 2.5), ("/lost", None))
        )
    )
    outcomes = await download_sites(read_list(tmp_path / "list.jsonl"), tmp_path / "out")
    table = pd.json_normalize([outcome.to_dict() for outcome in outcomes])
    assert table["outcome"].tolist() == ["downloaded", "downloaded", "failed"]
    assert table["decoded_bytes"].sum() == 6
    assert table["columns.price"].sum() == 4.0
    saved = table[table.outcome == "downloaded"]
    assert saved.groupby("content_type")["columns.price"].max().to_dict() == {
        "application/octet-stream": 2.5,
        "text/html": 1.5,
    }


async def test_a_program_can_choose_and_change_the_lines_of_a_list(
    site: Site, tmp_path: Path
) -> None:
    site.pages |= {"/a": "a", "/b": "b"}
    (tmp_path / "list.tsv").write_text(
        f"href\tother\tkind\n{site.url('/a')}\tx\tbook\n{site.url('/b')}\ty\tfilm\n::\tz\tbook\n"
    )
    options = Options(url_column="href", keep_columns=("kind",))
    chosen = (
        each
        for each in read_list(tmp_path / "list.tsv", options=options)
        if each.source_line is not None and dict(each.source_line.columns)["kind"] == "book"
    )
    outcomes = [outcome async for outcome in iter_sites(chosen, tmp_path / "out")]
    kinds = {outcome.index: outcome for outcome in outcomes}
    assert isinstance(kinds[0], Downloaded)
    failed = kinds[1]
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.to_dict()["columns"]) == (ErrorKind.BAD_URL, {"kind": "book"})


async def test_sitemaps_of_the_options_are_read_after_the_urls(site: Site, tmp_path: Path) -> None:
    site.pages |= {
        "/robots.txt": f"Sitemap: {site.url('/s.xml')}",
        "/s.xml": f"<urlset><url><loc>{site.url('/b')}</loc></url></urlset>",
        "/a": "a",
        "/b": "b",
    }
    options = Options(sitemap=(site.url("/"),), keep_input=True)
    outcomes = await download_sites([site.url("/a")], tmp_path / "out", options=options)
    assert [(each.index, each.url) for each in outcomes] == [
        (0, site.url("/a")),
        (1, site.url("/b")),
    ]
    assert [each.to_dict()["input"] for each in outcomes] == [site.url("/a"), site.url("/b")]


def test_a_list_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        list(read_list(tmp_path / "none.txt"))
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SourceError, match="holds no URL"):
        list(read_list(tmp_path / "empty.csv"))
    index = "<sitemapindex><sitemap><loc>https://h.test/a.xml</loc></sitemap></sitemapindex>"
    (tmp_path / "index.xml").write_text(index)
    (entry,) = read_list(tmp_path / "index.xml")
    assert isinstance(entry, Failed)
    assert "Options(sitemap=...)" in entry.hint
