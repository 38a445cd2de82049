"""Records of reports are read back as they were written."""

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.models.url_record import FIELD_NAMES, Record, Result
from downloader.report.formats.jsonl import json_line
from downloader.report.report_reader import read

numbers = st.none() | st.integers(0, 2**62)
texts = st.none() | st.text()


@settings(deadline=None)
@given(
    st.builds(
        Record,
        url=st.text(),
        outcome=st.sampled_from(Result),
        message=texts,
        path=texts,
        index=numbers,
        decoded_bytes=numbers,
        redirects=st.lists(st.text()).map(tuple),
        seconds=st.none() | st.floats(0, 1e9),
        length_verified=st.none() | st.booleans(),
    )
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.jsonl"
        file.write_bytes(json_line(record))
        assert list(read(file)) == [record]


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELD_NAMES), st.integers() | st.text() | st.lists(st.none()))
)
def test_what_is_no_value_of_its_field_is_not_known(members: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.jsonl"
        file.write_text(json.dumps(members | {"url": "u", "outcome": "measured"}))
        (record,) = read(file)
    assert record.outcome is Result.MEASURED
    assert record.index is None or record.index >= 0
    assert all(isinstance(each, str) for each in record.redirects)
