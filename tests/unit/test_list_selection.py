"""``--limit`` and ``--sample`` choose lines of a list, in every run the same."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader import Options
from downloader.sources import Entry, from_items, select_lines


def selected(urls: list[str], options: Options) -> list[str]:
    return [entry.url for entry in select_lines(from_items(urls), options)]


URLS = [f"http://h{number % 7}.test/{number}" for number in range(200)]


def test_a_limit_reads_no_more_of_the_list_than_it_needs() -> None:
    read = []

    def endless() -> Iterator[str]:
        for number in count():
            read.append(number)
            yield f"http://h.test/{number}"

    entries: Iterator[Entry] = select_lines(from_items(endless()), Options(limit=3))
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert read == [0, 1, 2]


@given(st.integers(1, 250), st.integers(0, 3), st.integers(0, 199))
@settings(deadline=None)
def test_a_sample_is_stable_in_order_and_of_its_size(size: int, seed: int, first: int) -> None:
    options = Options(sample=size, seed=seed)
    sample = selected(URLS, options)
    assert len(sample) == min(size, len(URLS))
    assert sample == [url for url in URLS if url in set(sample)]
    assert selected(URLS, options) == sample
    # In another order, and with repeated lines, it is the same sample.
    moved = URLS[first:] + URLS[:first] + URLS[:50]
    assert set(selected(moved, options)) == set(sample)


def test_a_sample_of_a_longer_list_keeps_most_lines() -> None:
    options = Options(sample=100)
    before = set(selected(URLS, options))
    after = set(selected([*URLS, *(f"{url}/more" for url in URLS[:50])], options))
    assert len(before & after) >= 60


def test_another_seed_chooses_another_sample() -> None:
    samples = {tuple(selected(URLS, Options(sample=5, seed=seed))) for seed in range(10)}
    assert len(samples) == 10
    chosen = {url for sample in samples for url in sample}
    assert len(chosen) > 30


def test_a_sample_is_one_of_the_lines_within_the_limit() -> None:
    assert set(selected(URLS, Options(limit=10, sample=10))) == set(URLS[:10])
    assert set(selected(URLS, Options(limit=10, sample=3))) < set(URLS[:10])


def test_lines_that_are_no_urls_are_chosen_like_others() -> None:
    assert selected(["http://[", "\ud800", "http://h.test/"], Options(sample=3))[:1] == ["http://["]


@pytest.mark.parametrize(("limit", "sample"), [(0, None), (None, 0), (None, 1_000_001)])
def test_numbers_out_of_range_are_refused(limit: int | None, sample: int | None) -> None:
    with pytest.raises(ValueError, match="must be at"):
        Options(limit=limit, sample=sample)
