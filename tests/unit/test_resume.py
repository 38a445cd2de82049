"""When a partial response continues a part, and which validators are strong."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.http.resume import continued_total, strong_validator
from downloader.models import PartialBody

SETTLED = "Sun, 06 Nov 1994 08:49:37 GMT"
_SIZES = st.integers(0, 10**15)


_TAGS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=9).map(
    lambda text: '"' + "".join(char for char in text if char not in '"\x7f') + '"'
)


_DATES = st.datetimes().map(lambda date: date.strftime("%a, %d %b %Y %H:%M:%S GMT"))


@given(offset=_SIZES, length=st.integers(1, 10**15), tag=_TAGS, known=st.booleans())
def test_the_very_range_asked_for_of_the_very_version_continues_it(
    offset: int, length: int, tag: str, known: bool
) -> None:
    total = offset + length
    partial = PartialBody("https://h/", tag, total if known else None)
    assert continued_total(partial, offset, f"bytes {offset}-{total - 1}/{total}", tag, "") == total


_FIELDS = st.sampled_from(['"v1"', '"v2"', SETTLED, ""])
_NUMBERS = st.integers(1, 4)


@pytest.mark.slow
@given(
    partial=st.builds(
        PartialBody, st.just("https://h/"), st.sampled_from(['"v1"', SETTLED]), st.none() | _NUMBERS
    ),
    offset=_NUMBERS,
    first=_NUMBERS,
    last=_NUMBERS,
    total=_NUMBERS.map(str) | st.just("*"),
    etag=_FIELDS,
    last_modified=_FIELDS,
)
@settings(max_examples=2000, deadline=None)
def test_whatever_continues_it_begins_at_its_end_and_goes_to_the_end_of_the_same_version(
    partial: PartialBody,
    offset: int,
    first: int,
    last: int,
    total: str,
    etag: str,
    last_modified: str,
) -> None:
    found = continued_total(partial, offset, f"bytes {first}-{last}/{total}", etag, last_modified)
    if partial.validator == SETTLED:
        same = last_modified in (SETTLED, "")
    else:
        same = etag == partial.validator
    whole = str(last + 1) == total and partial.total in (None, last + 1)
    assert (found is not None) is (first == offset <= last and whole and same)
    assert found in (None, last + 1)


@given(st.text(max_size=60))
def test_no_words_at_all_are_taken_for_a_range(text: str) -> None:
    partial = PartialBody("https://h/", '"v1"', None)
    assert continued_total(partial, 5, text, '"v1"', "") is None


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_what_identifies_the_bytes_is_what_the_server_sent_or_nothing(
    etag: str, last_modified: str, date: str
) -> None:
    assert strong_validator(etag, last_modified, date) in (etag, last_modified, "")


@given(tag=_TAGS, modified=_DATES)
def test_a_strong_tag_is_used_and_a_weak_one_never(tag: str, modified: str) -> None:
    now = "Fri, 31 Dec 9999 23:59:59 GMT"
    assert strong_validator(tag, modified, now) == tag
    assert strong_validator(f"W/{tag}", modified, now) == ""


@given(
    modified=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    age=st.integers(-100_000, 100_000) | st.integers(58, 62),
)
def test_a_date_is_strong_once_a_minute_lies_behind_it(modified: datetime, age: int) -> None:
    forms = ["%d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
    sent = (modified + timedelta(seconds=age)).strftime(forms[0])
    for form in forms:
        field = modified.strftime(form)
        assert strong_validator("", field, sent) == (field if age >= 60 else "")
