"""What is written down is true."""

import doctest
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import click
import pytest

import downloader
from downloader.cli.download_command import command
from downloader.cli.subcommands import SUBCOMMANDS
from downloader.errors import ErrorKind
from downloader.sources import formats as list_formats
from tests.support.fault_cases import CASES

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
COMMAND_LINE = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
LIST_FORMATS = (REFERENCE / "list-formats.md").read_text(encoding="utf-8")
FAILURES = (REFERENCE / "failures.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CONTEXT = click.Context(
    command, info_name="download", terminal_width=80, **command.context_settings
)
HELP = command.get_help(CONTEXT)


def _documented_options(section: str) -> dict[str, str]:
    """Return the rows of the tables of options in *section*: the names, and what they do."""
    return dict(
        line.replace("\\|", "/").replace("\\*", "*").split("|")[1:3]
        for line in section.splitlines()
        if line.startswith("| `-")
    )


def _help_of_options(of: click.Command) -> dict[str, str]:
    """Return what help says of each option, by its names."""
    return {
        name: (option.get_help_record(CONTEXT) or ("", ""))[1].replace("|", "/")
        for option in of.get_params(CONTEXT)
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }


def _option_names(rows: Iterable[str]) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z](?:[\w-]|\.(?=\d))*", " ".join(rows), re.IGNORECASE))


def _row_of(name: str, rows: dict[str, str]) -> str:
    pattern = re.compile(rf"`{re.escape(name)}[ `]")
    return next((text for names, text in rows.items() if pattern.search(names)), "").strip()


MAIN_SECTION, SUBCOMMANDS_SECTION = COMMAND_LINE.split("\n## Subcommands\n")
ROWS = _documented_options(MAIN_SECTION)
OPTIONS = _help_of_options(command)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_documented_in_the_words_of_its_help(name: str) -> None:
    assert _row_of(name, ROWS).startswith(OPTIONS[name])


def test_every_documented_option_exists() -> None:
    assert _option_names(ROWS) <= set(OPTIONS)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_is_documented_and_summed_up_in_the_help(name: str) -> None:
    subcommand = SUBCOMMANDS[name]
    assert f"`download {name} " in COMMAND_LINE
    assert f"  {name} {subcommand.arguments}".ljust(31) + subcommand.summary in HELP
    assert import_module(subcommand.module).command.name == name


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_option_of_a_subcommand_is_documented(name: str) -> None:
    own = _help_of_options(import_module(SUBCOMMANDS[name].module).command)
    section = SUBCOMMANDS_SECTION.partition(f"### `download {name} ")[2].partition("\n### ")[0]
    rows = _documented_options(section)
    assert _option_names(rows) <= set(own)
    for option, text in own.items():
        if text == OPTIONS.get(option) and not _row_of(option, rows):
            # Described with the main form, to whose options or tables the section refers.
            assert f"`{option}`" in SUBCOMMANDS_SECTION or "the options under" in section
        else:
            assert _row_of(option, rows).startswith(text), option


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_failure_is_documented(kind: ErrorKind) -> None:
    assert f"| `{kind}` |" in FAILURES


def test_every_format_of_lists_is_in_help_and_documentation() -> None:
    for each in list_formats.FORMATS:
        assert f"| {each.name} | {each.description} |" in LIST_FORMATS
    assert list_formats.format_names() in " ".join(HELP.split())


def test_help_fits_80_columns() -> None:
    assert max(map(len, HELP.splitlines())) <= 80


def test_help_has_no_range_beside_the_default_in_brackets() -> None:
    assert not re.search(r"\[[^]]*[<>]=?", HELP)


@pytest.mark.parametrize(
    "module",
    [
        *("downloader.web.content_disposition", "downloader.web.media_types"),
        *("downloader", "downloader.web.text", "downloader.models.shards", "downloader.api"),
        *(
            "downloader.mirror.scope.scope",
            "downloader.mirror.scope.robots",
            "downloader.mirror.single_file",
        ),
    ],
)
def test_the_examples_in_docstrings_work(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    modules = re.findall(r"[\w/]*\btest_\w+\.py", text)
    paths = {f"tests/{name.removeprefix('tests/')}" for name in modules}
    paths |= set(re.findall(r"(?<![\w/])tests/[\w./]*\w", text))
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_benchmark_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"\bpython -m (benchmarks[\w.]*\w)", page.read_text(encoding="utf-8")))
    files = {name: ROOT / name.replace(".", "/") for name in named}
    assert {
        name
        for name, file in files.items()
        if not (file / "__main__.py").is_file() and not file.with_suffix(".py").is_file()
    } == set()


def test_every_fault_that_the_page_on_reliability_names_is_a_case_of_the_tests() -> None:
    page = ROOT / "docs" / "explanation" / "reliability.md"
    named = set(re.findall(r"faults\[(/[^]]+)\]", page.read_text(encoding="utf-8")))
    assert named
    assert named - {case.path for case in CASES} - {"/path"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_an_example_has_options_that_exist(page: Path) -> None:
    for arguments in re.findall(r"^\S*[$] download (.*)$", page.read_text("utf-8"), re.MULTILINE):
        first = arguments.split()[0]
        own = import_module(SUBCOMMANDS[first].module).command if first in SUBCOMMANDS else command
        given = re.findall(r"(?<!\S)--?[a-zA-Z](?:[\w-]|\.(?=\d))*", arguments.partition(" # ")[0])
        assert set(given) <= set(_help_of_options(own)), arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_example_compiles_and_its_imports_exist(page: Path) -> None:
    for example in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
        compile(example, page, "exec")
        for names in re.findall(r"^from downloader import (.*)$", example, re.MULTILINE):
            assert all(hasattr(downloader, name) for name in names.split(", ")), names


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
