"""The layout of the tests: what they share is in ``tests/support``."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))
FOLDERS = {"browser", "cluster", "server", "store", "unit"}


def imported(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, and what it imports from packages."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_module_imports_from_a_test_module(file: Path) -> None:
    for name in imported(file):
        if name.startswith("tests."):
            assert name.startswith("tests.support."), f"{file.name} imports {name}"


def test_every_test_module_is_in_a_folder_by_what_it_needs() -> None:
    assert {file.parent.name for file in TESTS.rglob("test_*.py")} == FOLDERS
