"""Reports for CI systems, validated by the schemas that these use."""

import json
from pathlib import Path
from typing import Any

import jsonschema
from lxml import etree
from markdown_it import MarkdownIt
from markdown_it.token import Token

_DATA = Path(__file__).parents[1] / "data"
_SARIF = jsonschema.Draft4Validator(
    json.loads((_DATA / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
)
_JUNIT = etree.XMLSchema(etree.parse(str(_DATA / "jenkins-junit.xsd")))
_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def sarif_run(file: Path) -> dict[str, Any]:
    """Return the one run of a valid SARIF log."""
    log = json.loads(file.read_text("ascii"))
    _SARIF.validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def junit_suites(file: Path) -> dict[str, etree._Element]:
    """Return the suites of a valid JUnit file by their names; their counts are right."""
    root = etree.parse(str(file)).getroot()
    _JUNIT.assertValid(root)
    for each in (root, *root):
        assert each.get("tests") == str(len(each.findall(".//testcase")))
        assert each.get("failures") == str(len(each.findall(".//failure")))
        assert each.get("errors") == str(len(each.findall(".//error")))
    return {suite.get("name", ""): suite for suite in root}


def markdown_tokens(file: Path) -> list[Token]:
    """Return the inline tokens of a Markdown file, as GitHub reads it."""
    blocks = _MARKDOWN.parse(file.read_text("utf-8"))
    return [token for block in blocks for token in (block.children or [])]
