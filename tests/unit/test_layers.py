"""The architecture, held by tests: imports only go downward, and a name means one thing."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "downloader"
#: Each package may import those that stand above it here, and its own modules.
ORDER = [
    "_version",
    "errors",
    "web",
    "models",
    "parquet",
    "links",
    "object_store",
    "report",
    "archive",
    "storage",
    "journal",
    "scheduling",
    "http",
    "sources",
    "mirror",
    "core",
    "api",
    "cluster",
    "cli",
    "__init__",
    "__main__",
]
#: Packages that do not import each other: only the pure ones, and data.
SEPARATE = {"report", "archive", "storage", "journal", "scheduling", "http", "sources"}
PURE = set(ORDER[: ORDER.index("report")])
#: Libraries that only one package may import.
ONLY = {
    "aiohttp": "http",
    "aiofiles": "storage",
    "tqdm": "cli",
    "sqlite3": "journal",
    "jinja2": "report",
    "turbohtml": "links",
    "protego": "mirror",
    "warcio": "archive",
    "distributed": "cluster",
    "pyarrow": "parquet",
    "fsspec": "object_store",
}


def package_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "downloader":
            found |= {f"downloader.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_only_go_downward(file: Path) -> None:
    own = package_of(file)
    for name in imports(file):
        if name.startswith("downloader."):
            other = name.split(".")[1]
            if other != own and not (own == "__init__" and other not in ORDER):
                assert ORDER.index(other) < ORDER.index(own), f"{own} imports {other}"
                if own in SEPARATE:
                    assert other in PURE, f"{own} must not import {other}"


@pytest.mark.parametrize(("library", "owner"), ONLY.items())
def test_only_one_package_imports_a_library(library: str, owner: str) -> None:
    users = {
        package_of(file) for file in FILES if library in {n.split(".")[0] for n in imports(file)}
    }
    assert users == {owner}


def test_every_package_has_its_place_in_the_order() -> None:
    assert {package_of(file) for file in FILES} == set(ORDER)


def test_no_two_classes_share_a_name() -> None:
    modules = defaultdict(list)
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in modules.items() if len(files) > 1} == {}


def test_only_the_command_exits() -> None:
    leaving = {
        package_of(file)
        for file in FILES
        if "sys.exit" in file.read_text(encoding="utf-8") and package_of(file) != "cli"
    }
    assert leaving == set()
