"""The architecture, held by a test: imports only go downward."""

import ast
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
#: Packages that do not know each other: these import only the pure ones, and data.
SEPARATE = {"report", "archive", "storage", "journal", "scheduling", "http", "sources"}
PURE = set(ORDER[: ORDER.index("report")])
#: A library that only one package may know.
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


def room(file: Path) -> str:
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
    own = room(file)
    for name in imports(file):
        if name.startswith("downloader."):
            other = name.split(".")[1]
            if other != own and not (own == "__init__" and other not in ORDER):
                assert ORDER.index(other) < ORDER.index(own), f"{own} imports {other}"
                if own in SEPARATE:
                    assert other in PURE, f"{own} and {other} are not to know each other"


@pytest.mark.parametrize(("library", "owner"), ONLY.items())
def test_a_library_is_known_in_one_room_only(library: str, owner: str) -> None:
    users = {room(file) for file in FILES if library in {n.split(".")[0] for n in imports(file)}}
    assert users == {owner}


def test_every_room_has_its_place() -> None:
    assert {room(file) for file in FILES} == set(ORDER)


def test_only_the_command_exits() -> None:
    leaving = {
        room(file)
        for file in FILES
        if "sys.exit" in file.read_text(encoding="utf-8") and room(file) != "cli"
    }
    assert leaving == set()
