"""Imports between packages only go downward, and the architecture page shows the same order."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "downloader"
ARCHITECTURE = PACKAGE.parent / "docs" / "explanation" / "architecture.md"
#: Each package may import its own modules, and the packages before it in this list.
ORDER = [
    "_version",
    "errors",
    "web",
    "models",
    "parquet",
    "links",
    "extract",
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
    "link_check",
    "api",
    "cluster",
    "serve",
    "cli",
    "__init__",
    "__main__",
]
#: Packages that do not import each other; of the rest they import only those in ``PURE``.
SEPARATE = {"report", "archive", "storage", "journal", "scheduling", "http", "sources"}
PURE = set(ORDER[: ORDER.index("report")])
#: Libraries that few packages may import.
ONLY = {
    "aiohttp": ("http", "serve"),
    "h2": ("http",),
    "aiofiles": ("storage",),
    "tqdm": ("cli",),
    "publicsuffixlist": ("http",),
    "sqlite3": ("journal", "http", "link_check", "serve"),
    "jinja2": ("report", "serve"),
    "turbohtml": ("links", "web", "extract"),
    "trafilatura": ("extract",),
    "rensa": ("extract",),
    "protego": ("mirror",),
    "warcio": ("archive",),
    "distributed": ("cluster",),
    "pyarrow": ("parquet",),
    "fsspec": ("object_store",),
}


def top_level_name(file: Path) -> str:
    """Return the name of the package or module at the top of the package that *file* is part of."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def nodes(file: Path) -> list[ast.AST]:
    """Return the syntax tree of *file*, in any order; all files together take 0.7 s."""
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def imports(file: Path) -> set[str]:
    """Return the names of the modules that *file* imports."""
    found = set()
    for node in nodes(file):
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
    own = top_level_name(file)
    for name in imports(file):
        if name.startswith("downloader."):
            other = name.split(".")[1]
            if other != own and not (own == "__init__" and other not in ORDER):
                assert ORDER.index(other) < ORDER.index(own), f"{own} imports {other}"
                if own in SEPARATE:
                    assert other in PURE, f"{own} must not import {other}"


@pytest.mark.parametrize(("library", "owners"), ONLY.items())
def test_a_library_is_imported_by_its_packages_only(library: str, owners: tuple[str, ...]) -> None:
    users = {
        top_level_name(file)
        for file in FILES
        if library in {n.split(".")[0] for n in imports(file)}
    }
    assert users == set(owners)


def test_every_package_is_in_the_order() -> None:
    assert {top_level_name(file) for file in FILES} == set(ORDER)


def test_no_two_classes_share_a_name() -> None:
    modules = defaultdict(list)
    for file in FILES:
        for node in nodes(file):
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in modules.items() if len(files) > 1} == {}


def test_only_the_command_exits() -> None:
    exiting = {
        top_level_name(file)
        for file in FILES
        if "sys.exit" in file.read_text(encoding="utf-8") and top_level_name(file) != "cli"
    }
    assert exiting == set()


def test_the_architecture_page_lists_packages_in_import_order_with_their_docstrings() -> None:
    assert table_rows("package", "what is in it") == list(packages())


def test_the_architecture_page_lists_the_libraries_that_few_packages_import() -> None:
    rows = [(library, ", ".join(f"`{name}`" for name in names)) for library, names in ONLY.items()]
    assert table_rows("library", "packages") == rows


def test_every_module_that_the_architecture_page_names_exists() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    modules = set(re.findall(r"(?<![\w/])(?!tests/)[\w/]+\.py\b", text))
    assert [name for name in sorted(modules) if not (PACKAGE / name).is_file()] == []
    classes = {
        node.name for file in FILES for node in nodes(file) if isinstance(node, ast.ClassDef)
    }
    pictures = "".join(re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", pictures))
    assert named - classes == set()


def packages() -> Iterator[tuple[str, str]]:
    """Yield the cells of the table of packages: names, and the first lines of docstrings."""
    for name in reversed(ORDER):
        if name.startswith("_"):
            continue
        if (PACKAGE / f"{name}.py").is_file():
            yield f"`{name}.py`", purpose(PACKAGE / f"{name}.py")
        for file in sorted((PACKAGE / name).rglob("__init__.py"), key=lambda file: file.parent):
            yield f"`{file.parent.relative_to(PACKAGE).as_posix()}/`", purpose(file)


def purpose(file: Path) -> str:
    """Return the first line of a module's docstring, as Markdown."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return re.sub(r":\w+:`~?|``", "`", docstring.partition("\n")[0])


def table_rows(*header: str) -> list[tuple[str, ...]]:
    """Return the rows of the table of the architecture page that has this header."""
    lines = iter(ARCHITECTURE.read_text(encoding="utf-8").splitlines())
    next(line for line in lines if cells(line) == header)
    next(lines)
    return [cells(line) for line in takewhile(lambda line: line.startswith("|"), lines)]


def cells(line: str) -> tuple[str, ...]:
    """Return the cells of a row of a Markdown table."""
    return tuple(cell.strip() for cell in line.strip("|").split("|"))
