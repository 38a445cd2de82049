"""What is written down is true."""

import doctest
import importlib
import re
from pathlib import Path

import click
import pytest

from downloader.cli.main import main
from downloader.errors import ErrorKind

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
COMMAND_LINE = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
FAILURES = (REFERENCE / "failures.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize(
    "name", [name for param in main.params for name in param.opts if name.startswith("-")]
)
def test_every_option_is_documented(name: str) -> None:
    assert f"`{name}" in COMMAND_LINE


def test_every_documented_option_exists() -> None:
    rows = [line.split("|")[1] for line in COMMAND_LINE.splitlines() if line.startswith("| `-")]
    known = {name for param in main.params for name in param.opts} | {"-h", "--help"}
    for row in rows:
        for word in row.replace("`", " ").replace(",", " ").split():
            if word.startswith("-"):
                assert word in known


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_failure_is_documented(kind: ErrorKind) -> None:
    assert f"| `{kind}` |" in FAILURES


def test_help_fits_80_columns() -> None:
    text = main.get_help(click.Context(main, info_name="download", terminal_width=80))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "module",
    [
        *("downloader", "downloader.web.text", "downloader.models.shards", "downloader.api"),
        *(
            "downloader.mirror.scope.scope",
            "downloader.mirror.scope.robots",
            "downloader.mirror.singlefile",
        ),
    ],
)
def test_the_examples_in_docstrings_work(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading_in_it(page: Path) -> None:
    text = _without_code_blocks(page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def test_every_page_is_in_the_index_of_the_documentation() -> None:
    index = ROOT / "docs" / "README.md"
    links = re.findall(r"\]\(([^)\s#]+)\)", index.read_text(encoding="utf-8"))
    linked = {(index.parent / link).resolve() for link in links}
    assert [page for page in (ROOT / "docs").rglob("*.md") if page not in linked] == [index]


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of *page*."""
    text = _without_code_blocks(page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def _without_code_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
