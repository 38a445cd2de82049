"""The options of a run: given to one constructor, checked and handed on in groups."""

import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from downloader import Options
from downloader.models import (
    ArchiveOptions,
    ExtractionOptions,
    FilterOptions,
    ListOptions,
    MirrorOptions,
    NamingOptions,
    NetworkOptions,
    OutputOptions,
    Pack,
    PolitenessOptions,
)

GROUPS = (
    OutputOptions,
    NamingOptions,
    NetworkOptions,
    PolitenessOptions,
    MirrorOptions,
    ArchiveOptions,
    ExtractionOptions,
    FilterOptions,
    ListOptions,
)


def test_each_option_belongs_to_exactly_one_group() -> None:
    owners = Counter(field.name for group in GROUPS for field in fields(group))
    assert owners == Counter(field.name for field in fields(Options))


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_has_the_defaults_of_all_options(group: type[OutputOptions]) -> None:
    alone = group()
    everything = Options()
    for field in fields(group):
        assert getattr(alone, field.name) == getattr(everything, field.name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Options(per_host=0), "per_host must be at least 1"),
        (lambda: Options(processes=0), "processes must be at least 1"),
        (lambda: Options(timeout=0.0), "timeout must be more than 0"),
        (lambda: Options(retries=-1), "retries must not be negative"),
        (lambda: Options(delay=-0.1), "delay must not be negative"),
        (
            lambda: Options(save_cookies=Path("jar"), accept_cookies=False),
            "save_cookies cannot be combined with accept_cookies=False",
        ),
        (lambda: Options(cookies_from_browser="chrome"), "cookies_from_browser must be firefox"),
        (lambda: Options(user_agent="a\r\nX: y"), "user_agent must be one line"),
        (lambda: Options(level=-1), "level must not be negative"),
        (lambda: Options(warc_max_size=-1), "warc_max_size must not be negative"),
        (lambda: Options(warc=Path("a.gz")), "warc must end with .warc.gz"),
        (lambda: Options(wacz=Path("a.zip")), "wacz must end with .wacz"),
        (lambda: Options(mirror=True, save=False), "a mirror cannot be combined with save=False"),
        (lambda: Options(pack=Pack.WARC, verify=True), "pack cannot be combined with verify"),
        (lambda: Options(pack=Pack.WARC, level=1), "pack cannot be combined with a mirror"),
        (lambda: Options(mirror=True, remote="s3://bucket"), "a mirror needs a folder"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_an_error_and_not_a_run_that_hangs(
    make: Callable[[], Options], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_options_reach_other_processes_unchanged() -> None:
    options = Options(output=Path("folder"), headers=(("Accept", "text/html"),), pack=Pack.WARC)
    assert pickle.loads(pickle.dumps(options)) == options


@pytest.mark.parametrize(
    ("processes", "concurrency", "count"), [(4, None, 4), (4, 16, 4), (4, 2, 2), (1, 64, 1)]
)
def test_no_more_processes_take_part_than_urls_are_fetched_at_once(
    processes: int, concurrency: int | None, count: int
) -> None:
    assert Options(processes=processes, concurrency=concurrency).process_count == count
