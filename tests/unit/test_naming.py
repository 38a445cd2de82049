"""Whatever templates, options, URLs and servers say: no two URLs share a file, in any run."""

import random
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.errors import BadUrlError
from downloader.journal import Job, Journal
from downloader.journal.naming import Naming, shorter_names
from downloader.models import Options, Target
from downloader.web.content_disposition import disposition_file_name
from downloader.web.filenames import FileName, stays_within
from downloader.web.media_types import MAX_EXTENSION_LENGTH
from downloader.web.path_parts import PART
from downloader.web.urls import Url, parse
from tests.support.name_footprint import Footprint
from tests.support.safe_names import MEDIA_TYPES

#: Few hosts, folders, names and endings, so that they meet all the time.
_ADDRESSES = st.builds(
    "https://{}/{}{}{}".format,
    st.sampled_from(["h", "h.html", "H:81", "con"]),
    st.sampled_from(
        ["", "a/", "b/", "a/b/", "a.html/", ".download/", "%2e%2e%2f/", "x" * 200 + "/"]
    ),
    st.sampled_from(["", "a", "A", "index", "report.pdf", ".part", "é", "e\u0301", "y" * 240]),
    st.sampled_from(["", ".html", ".php", ".pdf", ".part", "?a", "?b", "?" + "q" * 150]),
)
_DISPOSITIONS = st.sampled_from(
    [
        "",
        "attachment; filename=report.pdf",
        "attachment; filename=REPORT.PDF",
        "attachment; filename=../../report.pdf",
        "attachment; filename=report",
        "attachment; filename=report.pdf.part",
        "attachment; filename=.download",
        "attachment; filename*=UTF-8''e%cc%81",
        f"attachment; filename={'z' * 300}.pdf",
        "inline; filename=a.html",
    ]
) | st.text(max_size=40).map("attachment; filename={}".format)
_OPTIONS = st.sampled_from(
    [
        Options(host_directories=False),
        Options(cut_dirs=1),
        Options(host_directories=False, cut_dirs=9),
        Options(content_disposition=True),
        Options(host_folders=True),
        Options(host_folders=True, cut_dirs=1),
        *(
            Options(mirror=True, index=True, missing_page=True, host_directories=hosts)
            for hosts in (True, False)
        ),
        Options(content_disposition=True, host_directories=False, cut_dirs=1),
        *(
            Options(name_template=template)
            for template in (
                *("{host}/{path}", "{stem}{ext}", "{dir}/{stem}{ext}", "{query}x", "same", "a/b"),
                *("{name}/{name}", "{host}/{content_disposition}", "{stem}-{content_disposition}"),
                *(".download/{name}", "con/{stem}{ext}", "{stem}.part", "{scheme}:{host}{ext}"),
            )
        ),
    ]
)


def _parses(address: str) -> bool:
    try:
        parse(address)
    except BadUrlError:
        return False
    return True


def _is_longer(name: FileName, max_bytes: int) -> bool:
    """Return whether a file system that takes *max_bytes* may refuse a name."""
    room = max_bytes - len(PART) - MAX_EXTENSION_LENGTH
    return any(len(part.encode()) > room for part in name.base.split("/"))


def _names(
    journal: Journal, naming: Naming, lines: list[tuple[str, str]], *, shorten: bool
) -> dict[Url, FileName]:
    """Return the name of each URL, once its answer has come."""
    targets = [
        Target(url=parse(address), index=index, origin=f"list:{index + 1}")
        for index, (address, _) in enumerate(lines)
    ]
    names = {}
    for job, (_, field) in zip(journal.admit(targets), lines, strict=True):
        if not isinstance(job, Job):
            continue
        name = job.name
        leaf = disposition_file_name(field) if naming.needs_answer else ""
        if leaf:
            candidates = list(naming.candidates_for_answer(job.target, leaf))
            if name not in candidates:
                name = journal.claim_name(job.row, candidates) or name
        if shorten and _is_longer(name, 143):
            name = journal.claim_name(job.row, shorter_names(name, job.target)) or name
        names[job.target.url] = name
    return names


@given(
    options=_OPTIONS,
    lines=st.lists(st.tuples(_ADDRESSES.filter(_parses), _DISPOSITIONS), max_size=10),
    shorten=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=250, deadline=None)
def test_no_two_urls_share_a_file_and_the_next_run_gives_the_same_names(
    options: Options, lines: list[tuple[str, str]], shorten: bool, seed: int
) -> None:
    naming = Naming(options)
    with tempfile.TemporaryDirectory() as folder:
        with closing(Journal(Path(folder), options)) as journal:
            names = _names(journal, naming, lines, shorten=shorten)
        with closing(Journal(Path(folder), options)) as journal:
            assert _names(journal, naming, lines, shorten=shorten) == names
    types = random.Random(seed)
    taken = [Footprint.of([name.path(types.choice(MEDIA_TYPES))]) for name in names.values()]
    files = Counter(path for each in taken for path in each.files)
    assert max(files.values(), default=1) == 1
    assert not files.keys() & set().union(*(each.folders for each in taken))
    assert all(stays_within(name.base) for name in names.values())


@pytest.mark.parametrize(
    ("options", "renamed"),
    [
        (Options(), False),
        (Options(name_template="{host}/{path}"), False),
        (Options(name_template="{name}"), True),
        (Options(host_directories=False), True),
        (Options(cut_dirs=1), True),
        # Only the answer could tell.
        (Options(content_disposition=True), False),
    ],
)
def test_a_known_url_gets_another_name_only_if_the_options_give_it_none_of_its_own(
    options: Options, renamed: bool, tmp_path: Path
) -> None:
    target = Target(url=parse("https://h/a/b.html"))
    with closing(Journal(tmp_path)) as journal:
        [first] = journal.admit([target])
    with closing(Journal(tmp_path, options)) as journal:
        [second] = journal.admit([target])
    assert isinstance(first, Job)
    assert isinstance(second, Job)
    assert (second.name != first.name) is renamed
