"""What is written down is true."""

import doctest
import importlib
from pathlib import Path

import click
import pytest

from downloader.cli.main import main
from downloader.errors import ErrorKind

ROOT = Path(__file__).parents[2]
USAGE = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [name for param in main.params for name in param.opts if name.startswith("-")]
)
def test_every_option_is_documented(name: str) -> None:
    assert f"`{name}" in USAGE


def test_every_documented_option_exists() -> None:
    rows = [line.split("|")[1] for line in USAGE.splitlines() if line.startswith("| `-")]
    known = {name for param in main.params for name in param.opts} | {"-h", "--help"}
    for row in rows:
        for word in row.replace("`", " ").replace(",", " ").split():
            if word.startswith("-"):
                assert word in known


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_failure_is_documented(kind: ErrorKind) -> None:
    assert f"| `{kind}` |" in USAGE


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
