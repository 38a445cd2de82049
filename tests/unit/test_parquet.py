"""Parquet, as lists and as reports: the same as every other format, and safe with hostile files."""

import base64
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.parquet import encryption

from downloader import sources
from downloader.errors import DiskError, SourceError
from downloader.models import Failed
from downloader.models.url_record import Record, Result
from downloader.report.formats.parquet import ParquetReport
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.sources import Entry, ListSettings
from downloader.sources.entries import from_line
from downloader.sources.list_input import DEFAULT_SETTINGS
from downloader.sources.list_reader import ListReader
from downloader.web.urls import Url
from tests.support.parquet import parquet_bytes, read_rows
from tests.support.reports import HOSTILE_TEXTS

RUN = RunRecord("2026-11-25T12:00:00.000Z", 1.5, 0, True, ReportTotals(), Path("out"))
FAST = settings(max_examples=100, deadline=None)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _no_fetching(url: Url, _home: Url) -> Iterator[bytes]:
    raise AssertionError(f"nothing names {url}")


def _read(
    data: bytes, name: str = "list", settings: ListSettings = DEFAULT_SETTINGS
) -> list[Entry]:
    lines = ListReader(_no_fetching, settings).lines(iter([data]), "list", name)
    return [from_line(line, index) for index, line in enumerate(lines)]


def _addresses(columns: dict[str, Any], settings: ListSettings = DEFAULT_SETTINGS) -> list[str]:
    return [entry.url for entry in _read(parquet_bytes(columns), settings=settings)]


def _refusal(data: bytes, name: str = "list.parquet") -> str:
    with pytest.raises(SourceError) as refused:
        _read(data, name)
    return refused.value.message


@FAST
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.sampled_from(["https://h.example/", "h.example/a b", "", "ftp://x"]),
            TEXTS,
            st.none() | st.sampled_from(["a" * 64, "sha1:" + "b" * 40, "no hash", ""]),
        ),
        min_size=1,
        max_size=30,
    ),
    text=st.sampled_from([pa.string(), pa.large_string(), pa.binary(), pa.string_view()]),
    dictionary=st.booleans(),
    group=st.integers(1, 40),
)
def test_a_parquet_list_says_what_the_same_json_lines_say(
    rows: list[tuple[str | None, str | None, str | None]],
    text: Any,
    dictionary: bool,
    group: int,
) -> None:
    names = ("url", "name", "sha256")
    columns = {
        name: pa.array(values, pa.string()).cast(text)
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    if dictionary and text != pa.string_view():
        columns = {name: column.dictionary_encode() for name, column in columns.items()}
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
    expected = _read("\n".join(lines).encode(), "list.jsonl")
    found = _read(parquet_bytes(columns, row_group_size=group), "list.parquet")
    assert len(found) == len(expected)
    for one, other, row in zip(found, expected, rows, strict=True):
        if row[0] is None:
            assert isinstance(one, Failed)
            assert (one.message, one.index) == ("no url in the row", other.index)
        else:
            assert one == other


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([1]), "has INT64 in its column url, not text"),
        (pa.array([1.5]), "has DOUBLE in its column url, not text"),
        (pa.array([True]), "has BOOLEAN in its column url, not text"),
        (pa.array([["a"]]), "has nested values in its column url, not text"),
        (pa.array([{"x": "a"}]), "has nested values in its column url, not text"),
    ],
)
def test_a_column_of_another_type_is_no_list(column: Any, said: str) -> None:
    assert _refusal(parquet_bytes({"url": column})) == f"list {said}"
    assert said.replace("url", "name") in _refusal(parquet_bytes({"url": ["a"], "name": column}))


def test_text_that_is_no_utf_8_or_far_too_long_fails_its_row_only() -> None:
    data = parquet_bytes({"url": [b"https://h.example/1", b"\xff", b"x" * 100_000, b"h.example"]})
    kinds = [isinstance(entry, Failed) for entry in _read(data)]
    assert kinds == [False, True, True, False]


def test_a_column_without_a_value_is_as_if_it_was_not_there() -> None:
    (entry,) = _read(parquet_bytes({"url": ["h.example"], "name": pa.array([None], pa.null())}))
    assert not isinstance(entry, Failed)
    assert entry.name is None


def test_the_column_of_addresses_is_found_as_in_other_tables() -> None:
    address, notes = "https://h.example/", list[str]()
    assert _addresses({"id": [1], "Link": ["h.example"], "x": [address]}) == [address]
    assert _addresses({"only": ["h.example"]}) == [address]
    noting = ListSettings(note=notes.append)
    table = {"id": [1, 2], "x": ["a", "b"], "page": [None, address]}
    assert _addresses(table, noting) == ["", address]
    assert notes == ["list: the column page holds the addresses; --url-column chooses another"]
    assert _addresses({**table, "url": ["no", "no"]}, ListSettings("page")) == ["", address]
    with pytest.raises(SourceError, match="has addresses in several columns: x, y"):
        _addresses({"x": [address], "y": [address]})
    with pytest.raises(SourceError, match="has no column named z") as error:
        _addresses({"x": [address], "y": [1]}, ListSettings("z"))
    assert error.value.hint == "its columns are x, y; name one with --url-column"


def test_a_report_is_a_list_whose_hashes_are_no_promise() -> None:
    record = {"url": ["https://h.example/", ""], "outcome": ["downloaded", "not-tried"]}
    hashes = {"kind": [None, None], "final_url": [None, None], "sha256": ["a" * 64, None]}
    data = parquet_bytes({**record, **{k: pa.array(v, pa.string()) for k, v in hashes.items()}})
    (entry,) = _read(data)
    assert not isinstance(entry, Failed)
    assert entry.checksum is None


def test_what_is_no_parquet_file_is_refused() -> None:
    whole = parquet_bytes({"url": ["https://h.example/"] * 100})
    assert _refusal(b"") == "list is empty, and no Parquet file"
    assert _refusal(b"https://h.example/\n") == "list is no Parquet file"
    assert _refusal(b"PARE" + whole[4:]) == "list is encrypted"
    nothing = parquet_bytes({"x": ["a"], "y": ["b"]})
    assert _refusal(nothing) == "list has no column named url, link or href"
    assert "list is corrupt Parquet" in _refusal(b"PAR1")
    for end in (8, len(whole) // 2, len(whole) - 1):
        assert "list is corrupt Parquet" in _refusal(whole[:end])


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_refused(plaintext_footer: bool) -> None:
    factory = encryption.CryptoFactory(lambda _config: _Keys())
    properties = factory.file_encryption_properties(
        encryption.KmsConnectionConfig(),
        encryption.EncryptionConfiguration(
            footer_key="f", column_keys={"c": ["url"]}, plaintext_footer=plaintext_footer
        ),
    )
    data = parquet_bytes({"url": ["h.example"]}, encryption_properties=properties)
    assert _refusal(data) == "list is encrypted"


class _Keys(encryption.KmsClient):  # type: ignore[misc, no-any-unimported]
    """A key server that keeps no secret."""

    def wrap_key(self, key: bytes, master: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, master: str) -> bytes:
        return base64.b64decode(wrapped)


def test_a_page_that_is_too_large_is_refused() -> None:
    data = parquet_bytes({"url": ["x" * (257 * 1024**2)]}, compression="zstd")
    assert _refusal(data) == "list has a page of 257.0 MiB, too large for a list of addresses"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", None])
def test_pages_of_any_kind_are_read(version: str, encoding: str | None) -> None:
    urls = [f"https://h{n % 9}.example/{n}" for n in range(5000)]
    data = parquet_bytes(
        {"url": urls, "x": list(range(5000))},
        data_page_version=version,
        use_dictionary=encoding is None,
        column_encoding=encoding and {"url": encoding, "x": "PLAIN"},
        data_page_size=1000,
        row_group_size=1500,
    )
    assert [not isinstance(e, Failed) and e.url for e in _read(data)] == urls


def test_a_file_without_rows_holds_no_address(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    path.write_bytes(parquet_bytes({"url": pa.array([], pa.string())}))
    with pytest.raises(SourceError, match="holds no URL"):
        list(sources.read([str(path)], _no_fetching))


def test_a_flipped_bit_of_a_page_is_found_by_its_checksum() -> None:
    data = bytearray(parquet_bytes({"url": ["https://h.example/"]}, write_page_checksum=True))
    place = data.index(b"h.example")
    data[place] ^= 1
    assert "corrupt Parquet" in _refusal(bytes(data))


@FAST
@given(
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), max_size=3), end=st.floats()
)
def test_a_damaged_file_is_a_list_or_one_line_of_error(
    cuts: list[tuple[float, bytes]], end: float
) -> None:
    data = parquet_bytes({"url": [f"https://h.example/{n}" for n in range(50)]}, row_group_size=20)
    for where, put in cuts:
        place = int(where * len(data))
        data = data[:place] + put + data[place + 1 :]
    if 0.5 < end < 1:
        data = data[: int(end * len(data))]
    said = ""
    try:
        _read(data, "list.parquet")
    except SourceError as error:
        said = error.message
    assert "\n" not in said


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_any_text_can_be_in_a_report(tmp_path: Path, text: str) -> None:
    report = ParquetReport(tmp_path / "r.parquet")
    report.add(Record(url=text, outcome=Result.FAILED, message=text, redirects=(text,)))
    report.finish(replace(RUN, untried=1, list_read=False))
    row, last = read_rows(tmp_path / "r.parquet")
    shown = text.encode("utf-8", "backslashreplace").decode()
    assert (row["url"], row["message"], row["redirects"]) == (shown, shown, [shown])
    assert last["outcome"] == "not-tried"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    report = ParquetReport(tmp_path / "r.parquet")

    def add(count: int) -> None:
        for number in range(count):
            report.add(Record(url=f"https://h.example/{number}", outcome=Result.MEASURED))

    add(20_000)
    assert (tmp_path / "r.parquet.part").stat().st_size > 4
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    add(3 * 16_500)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 500_000
    assert pa.total_allocated_bytes() - before < 5_000_000
    report.abandon()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "r.parquet.part").symlink_to("/dev/full")
    report = ParquetReport(tmp_path / "r.parquet")
    report.add(Record(url="https://h.example/", outcome=Result.MEASURED))
    with pytest.raises(DiskError, match="cannot write --report"):
        report.finish(RUN)
    report.abandon()
    assert not (tmp_path / "r.parquet").exists()


def test_a_list_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    path.write_bytes(
        parquet_bytes({"url": [f"h.example/{n}" for n in range(6400)]}, row_group_size=100)
    )
    entries = sources.read([str(path)], _no_fetching)
    assert [next(entries).index for _ in range(3)] == [0, 1, 2]
    tracemalloc.start()
    count = sum(1 for _ in entries)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 6397
    assert peak < 1_500_000
