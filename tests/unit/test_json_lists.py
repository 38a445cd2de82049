"""JSON as people have it: arrays and objects with arrays, read as they arrive."""

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.models import Failed, Target
from downloader.sources import ListSettings
from tests.support.lists import addresses, entries, failed, origins, pieces, stream, target

A, B, C = "https://a.example/", "https://b.example/?x=[1,2]", 'https://c.example/{"'
OBJECTS = [{"id": 1, "link": A, "tags": [["x"], {"url": "no"}]}, {"link": B}, {"link": "c.example"}]


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize("name", ["list.json", "stdin"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("items", [[A, B, "c.example"], OBJECTS])
def test_an_array_is_a_list(items: list[object], indent: int | None, name: str, step: int) -> None:
    found = entries(json.dumps(items, indent=indent), name, step)
    assert addresses(found) == [A, B, "https://c.example/"]
    assert origins(found) == [f"{name}:{number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_json_feed_is_a_list_of_its_entries(step: int | None, encoding: str) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "items [",
        "home_page_url": "https://no.example/",
        "hubs": [{"type": "x", "url": "https://no.example/"}],
        "items": [
            {"id": "1", "url": A, "image": "https://no.example/", "name": "é.html"},
            {"id": "2", "external_url": B, "content_text": "x"},
            {"id": "3"},
        ],
        "authors": [{"name": "x", "url": "https://no.example/"}],
    }
    found = entries(json.dumps(feed, ensure_ascii=False).encode(encoding), "feed.json", step)
    assert addresses(found) == [A, B, "??"]
    assert target(found[0]).name == "é.html"
    assert failed(found[2]).message == "no member url in the JSON value"


def test_objects_one_after_the_other_are_a_list_too() -> None:
    text = f'{{"url": "{A}"}}\n{{\n "url": "{B}"\n}}\n"c.example"\n'
    assert addresses(entries(text, "list.json")) == [A, B, "https://c.example/"]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_a_report_is_a_list_whose_hashes_are_no_promise(suffix: str) -> None:
    record = {"url": A, "outcome": "downloaded", "kind": None, "final_url": A, "sha256": "a" * 64}
    untried = {**record, "url": "", "outcome": "not-tried"}
    lines = [json.dumps(record, separators=(",", ":")), json.dumps(untried)]
    text = "\n".join(lines)
    if suffix == ".json":
        text = '{"schema":"urn:download:record:1","records":[\n' + ",\n".join(lines)
        text += '\n],"run":{"program":"download","urls":1}}\n'
    for name in (f"report{suffix}", "stdin"):
        (entry,) = entries(text, name)
        assert entry.url == A
        assert target(entry).checksum is None


def test_the_member_with_addresses_is_found_or_named() -> None:
    items = [{"id": "x", "page": A}, {"id": "y", "page": B}]
    notes: list[str] = []
    found = entries(json.dumps(items), "list.json", settings=ListSettings(note=notes.append))
    assert addresses(found) == [A, B]
    assert notes == ["list.json: the member page holds the addresses; --url-column chooses another"]
    found = entries(json.dumps(items), "list.json", settings=ListSettings(url_column="ID"))
    assert addresses(found) == ["https://x/", "https://y/"]


@pytest.mark.parametrize(
    "broken", ["null", "5", "{}", '{"url": 5}', "{x}", '"a" "b"', "[]", '{"url": "x y"}}', '"x\n']
)
def test_an_item_that_is_no_address_fails_alone(broken: str) -> None:
    found = entries(f'["{A}", {broken}, "{B}"]', "list.json")
    assert [type(entry) for entry in found] == [Target, Failed, Target]
    assert (addresses(found)[0], addresses(found)[2]) == (A, B)


def test_a_cut_end_costs_the_last_item_and_is_said() -> None:
    notes: list[str] = []
    found = entries(f'["{A}", "{B}', "list.json", settings=ListSettings(note=notes.append))
    assert [type(entry) for entry in found] == [Target, Failed]
    assert notes == ["list.json is cut off: the JSON has no end"]


@pytest.mark.parametrize("opening", ['["', "[" * 50, '{"a', '{"x":' * 50, '["' + A + '",{'])
def test_an_item_without_end_does_not_fill_memory(opening: str) -> None:
    def text() -> Iterator[bytes]:
        yield opening.encode()
        # tracemalloc makes each bracket slow: these are enough for a stack of them to be seen.
        yield from [b"[x" * 32768] * 8
        yield from [b"x" * 65536] * 56

    tracemalloc.start()
    found = list(stream(text(), "list.json"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert failed(found[-1]).message == "the JSON value is too long"
    assert peak < 2 * 1024 * 1024


def test_the_first_address_appears_before_more_is_read() -> None:
    chunks = pieces(f'["{A}",\n"{B}"]', len(A) + 5)
    assert next(stream(chunks, "list.json")).url == A
    assert list(chunks)


_TEXTS = st.text(alphabet='a[]{}",:\\ \né', max_size=6)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=5,
)


@given(
    others=st.lists(st.dictionaries(_TEXTS, _VALUES, max_size=3), max_size=4),
    around=st.dictionaries(_TEXTS, _VALUES, max_size=2),
    indent=st.sampled_from([None, 1]),
    step=st.integers(1, 30),
    ascii_only=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_whatever_else_it_holds_each_item_gives_its_address(
    others: list[dict[str, object]],
    around: dict[str, object],
    indent: int | None,
    step: int,
    ascii_only: bool,
) -> None:
    written = [f"https://{number}.example/" for number in range(len(others))]
    items = [{**each, "url": url} for each, url in zip(others, written, strict=True)]
    for value in (items, {**around, "items": items}):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        for width in (None, step):
            found = list(stream(pieces(text, width), "list.json"))
            assert addresses(found) == written


@given(text=st.text(alphabet='a[]{}",:\\ \n', max_size=40), step=st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_how_json_arrives_does_not_change_what_it_says(text: str, step: int) -> None:
    assert list(stream(pieces(text, step), "list.json")) == entries(text, "list.json")
