"""What a run that follows links leaves in every report format."""

import json
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq

from downloader.report.formats import FORMATS
from downloader.report.json_schema import schema
from tests.support.command import Command
from tests.support.handlers import sends
from tests.support.web_server import Site

SCHEMA = json.loads(schema())
RECORD = jsonschema.Draft202012Validator(SCHEMA)
REPORT = jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/report"})


async def test_a_link_that_robots_txt_disallows_is_in_every_report(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {
        "/": "<a href=/private>",
        "/robots.txt": sends(b"User-agent: *\nDisallow: /private", {"Content-Type": "text/plain"}),
    }
    reports = [f"--report=r{ending}" for ending in FORMATS]
    ran = await command("-r", site.url("/"), *reports)
    assert (ran.status, ran.err) == (0, [])
    assert "1 skipped" in ran.out[-2]
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    for line in lines:
        RECORD.validate(line)
    REPORT.validate(json.loads((tmp_path / "r.json").read_text()))
    (left_out,) = [line for line in lines if line["reason"] == "robots"]
    assert left_out["parent"] == site.url("/")
    rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert {row["reason"] for row in rows} == {None, "robots"}
