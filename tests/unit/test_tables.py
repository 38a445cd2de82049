"""Tables as people export them: any delimiter, any name of the column, with or without a header."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.errors import SourceError
from downloader.models import Failed, InputLine, Target
from downloader.sources import ListSettings
from downloader.sources.entries import from_line
from downloader.sources.list_reader import ListReader
from tests.support.lists import (
    addresses,
    entries,
    failed,
    no_fetching,
    origins,
    pieces,
    stream,
    target,
)

A, B = "https://a.example/?x=1,2", "https://b.example/;c|d"


def _table(rows: list[list[str]], delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["list.csv", "list.tsv", "stdin", "list.txt"])
@pytest.mark.parametrize("column", ["url", "URL", "Link", "href"])
@pytest.mark.parametrize("step", [None, 1])
def test_the_delimiter_and_the_column_are_found(
    delimiter: str, name: str, column: str, step: int | None
) -> None:
    table = _table([["id", column, "title"], ["1", A, "x, y; z"], ["2", B, ""]], delimiter)
    found = entries(table, name, step)
    assert addresses(found) == [A, B]
    assert origins(found) == [f"{name}:2", f"{name}:3"]


@pytest.mark.parametrize("name", ["list.csv", "stdin"])
@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;\r"])
def test_the_line_by_which_excel_names_the_delimiter_is_obeyed(name: str, line: str) -> None:
    found = entries(f"{line}\nid;url,x;url\n1;y;{A}\n", name)
    assert addresses(found) == [A]
    assert origins(found) == [f"{name}:3"]


@pytest.mark.parametrize("name", ["list.csv", "stdin"])
def test_the_only_column_that_holds_addresses_is_found_and_named(name: str) -> None:
    notes: list[str] = []
    table = f"id;site;homepage\n1;none;\n2;a.example;{A}\n3;;\n"
    table = table.replace("1;none;", f"1;x;{B}") if name == "stdin" else table
    found = entries(table, name, settings=ListSettings(note=notes.append))
    assert [type(entry) for entry in found][1:] == [Target, Failed]
    assert addresses(found)[1] == A
    (note,) = notes
    assert note.startswith(f"{name}: the column homepage holds the addresses; --url-column")


def test_rows_above_the_first_address_fail_one_by_one() -> None:
    found = entries(f"id,page\n1,\n2,none\n3,{A[:18]}\n", "list.csv")
    assert addresses(found) == ["??", "https://none/", "https://a.example/"]
    assert origins(found) == ["list.csv:2", "list.csv:3", "list.csv:4"]


def test_of_several_columns_of_addresses_one_has_to_be_named() -> None:
    table = f"page,image\n{A[:18]},{B[:18]}\n"
    with pytest.raises(SourceError, match="has addresses in several columns: page, image"):
        entries(table, "list.csv")
    for name in ("image", "IMAGE", "2"):
        found = entries(table, "list.csv", settings=ListSettings(url_column=name))
        assert addresses(found) == ["https://b.example/"]


@pytest.mark.parametrize("name", ["list.csv", "stdin"])
def test_the_named_column_needs_no_scheme(name: str) -> None:
    table = "url;web site\nx;a.example\ny;b.example\n"
    found = entries(table, name, settings=ListSettings(url_column="web site"))
    assert addresses(found) == ["https://a.example/", "https://b.example/"]


def test_a_named_column_that_is_missing_is_an_error_with_those_that_are_there() -> None:
    with pytest.raises(SourceError, match="has no column named site") as error:
        entries("id,url\n1,a.example\n", "list.csv", settings=ListSettings(url_column="site"))
    assert error.value.hint == "its columns are id, url; name one with --url-column"


@pytest.mark.parametrize("name", ["list.csv", "stdin"])
@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize(
    "table",
    [
        "1,https://a.example/,A\n2,https://b.example/,B\n",
        "1;https://a.example/\n2;https://b.example/\n",
        '"https://a.example/","A, B"\n"https://b.example/","C"\n',
        "A title\thttps://a.example/\nAnother\thttps://b.example/\n",
    ],
)
def test_a_table_needs_no_header(name: str, table: str, step: int | None) -> None:
    found = entries(table, name, step)
    assert addresses(found) == ["https://a.example/", "https://b.example/"]
    assert origins(found) == [f"{name}:1", f"{name}:2"]


@pytest.mark.parametrize("line", [A, B, "https://a.example/,x", "a.example/x,url", "[::1]/a,b"])
def test_a_text_list_whose_addresses_have_delimiters_is_no_table(line: str) -> None:
    found = entries(f"{line}\n{line}2\n")
    assert [type(entry) for entry in found] == [Target, Target]


def test_a_column_alone_may_have_any_name_and_addresses_with_delimiters() -> None:
    assert addresses(entries("page\nhttps://a.example/x,y\nb.example\n", "list.csv")) == [
        "https://a.example/x,y",
        "https://b.example/",
    ]


def test_two_columns_of_one_name_and_short_rows_are_read_as_far_as_they_go() -> None:
    found = entries(f"id,url,url\n1,{A[:18]},{B[:18]}\n2\n3,{B[:18]}\n", "list.csv")
    assert addresses(found) == ["https://a.example/", "??", "https://b.example/"]
    assert failed(found[1]).message == "the address is empty"


def test_a_table_without_addresses_is_refused_before_it_fills_memory() -> None:
    pulled = 0

    def endless() -> Iterator[bytes]:
        nonlocal pulled
        yield b"a,b\n"
        while True:
            pulled += 1
            yield b"x,y\n" * 1000

    with pytest.raises(SourceError, match="has no column named url, link or href"):
        next(stream(endless(), "list.csv"))
    assert pulled < 10


def test_a_report_is_a_list_whose_hashes_are_no_promise() -> None:
    fields = "url,outcome,kind,message,final_url,sha256"
    report = f"{fields}\n{A[:18]},downloaded,,,,{'a' * 64}\n,not-tried,,stopped,,\n"
    (entry,) = entries(report, "report.csv")
    assert entry.url == "https://a.example/"
    assert target(entry).checksum is None


_CELLS = st.text(alphabet='aé,;|\t"= \n-1', max_size=6)
_NAMES = st.text(alphabet="abc d", min_size=1, max_size=5)


@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=6),
    names=st.tuples(_NAMES, _NAMES),
    delimiter=st.sampled_from(",;\t|"),
    step=st.integers(1, 40),
)
@settings(max_examples=150, deadline=None)
def test_whatever_else_a_table_holds_each_row_gives_its_address(
    rows: list[tuple[str, str]], names: tuple[str, str], delimiter: str, step: int
) -> None:
    written = [f"https://{number}.example/" for number in range(1, len(rows) + 1)]
    table = [[names[0], "url", names[1]]]
    table += [[before, url, after] for (before, after), url in zip(rows, written, strict=True)]
    text = _table(table, delimiter)
    for width in (None, step):
        assert addresses(stream(pieces(text, width), "list.csv")) == written


def test_of_several_columns_of_one_name_the_first_is_taken_and_that_is_said() -> None:
    notes: list[str] = []
    table = f'url,URL,id\n"{A}","{B}",1\n'
    found = entries(table, "list.csv", settings=ListSettings(note=notes.append))
    assert addresses(found) == [A]
    assert notes == [
        "list.csv has several columns named url; the first one is used; "
        "--url-column chooses another by its number"
    ]
    assert addresses(entries(table, "list.csv", settings=ListSettings("2"))) == [B]


_CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)


@given(rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=8), step=st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_the_other_columns_are_kept_as_they_are(rows: list[tuple[str, str]], step: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["first", "url", "second"])
    for number, (first, second) in enumerate(rows):
        writer.writerow([first, f"https://{number}.example/", second])
    reader = ListReader(no_fetching, ListSettings(keeps_input=True))
    lines = reader.lines(pieces(text.getvalue(), step), "list.csv", "list.csv")
    found = [from_line(line, 0, keeps_input=True).source_line for line in lines]
    assert found == [
        InputLine(f"https://{number}.example/", number + 2, (("first", first), ("second", second)))
        for number, (first, second) in enumerate(rows)
    ]
