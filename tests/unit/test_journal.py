"""Every address once, every file name once, whatever the list and whatever the servers say."""

import random
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from downloader.errors import BadUrlError, DiskError, ErrorKind, OutputError
from downloader.journal import STATE_FOLDER, Job, Journal, database
from downloader.journal.unfetched_outcomes import failed_outcome
from downloader.models import Failed, Options, Skipped, SkipReason, Target
from downloader.web.filenames import FileName
from downloader.web.urls import parse
from tests.support.name_footprint import Footprint, assert_never_shared
from tests.support.safe_names import MEDIA_TYPES


@pytest.fixture
def journal() -> Iterator[Journal]:
    opened = Journal()
    yield opened
    opened.close()


def _target(address: str, index: int = 0, name: str | None = None) -> Target:
    return Target(url=parse(address), index=index, origin=f"list:{index + 1}", name=name)


def _names(addresses: Sequence[str | tuple[str, str]]) -> list[FileName | None]:
    """Return the name that each address of a list gets, None where it gets none."""
    journal = Journal()
    targets = [
        _target(item, index) if isinstance(item, str) else _target(item[0], index, item[1])
        for index, item in enumerate(addresses)
    ]
    admitted = journal.admit(targets)
    journal.close()
    assert [
        entry.target.index if isinstance(entry, Job) else entry.index for entry in admitted
    ] == [target.index for target in targets]
    return [entry.name if isinstance(entry, Job) else None for entry in admitted]


def test_an_address_that_is_repeated_is_skipped_and_says_of_what(journal: Journal) -> None:
    assert isinstance(journal.admit([_target("https://a.example/", 0)])[0], Job)
    assert isinstance(journal.admit([_target("https://b.example/", 1)])[0], Job)
    repeated = journal.admit([_target("https://A.example:443/#part", 2)])[0]
    assert isinstance(repeated, Skipped)
    assert repeated.reason is SkipReason.DUPLICATE
    assert repeated.detail == "list:3 repeats list:1"
    assert (repeated.index, repeated.origin, repeated.url) == (2, "list:3", "https://a.example/")


def test_two_addresses_that_differ_in_the_password_alone_are_one(journal: Journal) -> None:
    assert isinstance(journal.admit([_target("https://u:one@h/")])[0], Job)
    repeated = journal.admit([_target("https://u:two@h/", 1)])[0]
    assert isinstance(repeated, Skipped)
    assert repeated.url == "https://u@h/"


def test_failures_of_the_list_pass_through(journal: Journal) -> None:
    failed = Failed(index=0, origin="list:1", url="x y", kind=ErrorKind.BAD_URL, message="no")
    assert journal.admit([failed, _target("https://h/", 1)])[0] is failed


def test_two_urls_that_differ_in_case_never_share_a_file() -> None:
    first, second = _names(["https://h/README", "https://h/readme"])
    assert first is not None
    assert second is not None
    assert first.base == "h/README"
    assert second.base.startswith("h/readme~")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h/a", "http://h/a"),
        ("https://h/é", "https://h/e\u0301"),
        ("https://h/É", "https://h/e\u0301"),
        ("https://h/straße", "https://h/STRASSE"),
        ("https://h/%61", "https://h/a"),
        ("https://h/a", "https://h/a.html"),
        ("https://h/a", "https://h/a.png"),
        ("https://h/a", "https://h/a.webmanifest"),
        ("https://h/a", "https://h/a.bin"),
        ("https://h/a.php", "https://h/a.php.html"),
        ("https://h/a.php", "https://h/a.php.css"),
        ("https://h/a/", "https://h/a/index"),
        ("https://h/a/", "https://h/a/index.html"),
        ("https://h/a.html", "https://h/a.html/b"),
        ("https://h/a", "https://h/a.html/b"),
        ("https://h/index.php", "https://h/index.php/x"),
        ("https://h/index.php", "https://h/index.php.html/x"),
        ("https://h/a%2Fb", "https://h/a_b"),
        ("https://h/a//b", "https://h/a/_/b"),
        ("https://h/a", "https://h/a?"),
        ("https://h/a?b", "https://h/a@b"),
        ("https://h/a?b=/", "https://h/a?b=_"),
        ("https://h/", "https://h.html/x"),
        ("https://h/", "https://h.html/"),
        ("https://h:81/", "https://h_81/"),
        ("https://h/x.png", "https://h/x.png.part"),
        ("https://h/x.png", "https://h/x.png.PART"),
        ("https://h/x.png", "https://h/x.png.PART/y"),
        ("https://h/x", "https://h/x.html.part"),
        ("https://h/x.", "https://h/x"),
        ("https://h/x%20/y", "https://h/x/y"),
        ("https://h/" + "x" * 300, "https://h/" + "x" * 301),
        ("https://h/" + "x" * 300 + "/y", "https://h/" + "x" * 301 + "/y"),
        ("https://h/con", "https://h/con_"),
        ("https://_/x", "https://h/" + "x/" * 600),
    ],
)
def test_two_urls_never_share_a_file(one: str, other: str) -> None:
    for pair in ([one, other], [other, one]):
        names = _names(pair)
        assert None not in names
        assert_never_shared(names)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://h/a", "h/a.html"),
        ("https://h/a", "h/a.png"),
        ("https://h/a", "h/a.png/b"),
        ("https://h/a.php", "h/A.PHP"),
        ("https://h/a.php", "h/a.php.html"),
        ("https://h/a/b", "h"),
        ("https://h/a/b", "H/A"),
        ("https://h/", "h.html"),
        ("https://h/%C3%A9", "h/e\u0301.html"),
        ("https://h/%C3%A9/x", "H/E\u0301"),
    ],
)
def test_a_url_gives_way_to_a_name_that_the_list_gave_before(address: str, name: str) -> None:
    names = _names([("https://other/", name), address])
    assert names[0] is not None
    assert names[0].base == name
    assert names[1] is not None
    assert_never_shared(names)


def test_a_given_name_that_is_taken_gets_a_hash() -> None:
    names = _names([("https://a/", "same.txt"), ("https://b/", "SAME.txt"), ("https://c/", "same")])
    bases = [name.base for name in names if name is not None]
    assert bases[0] == "same.txt"
    assert re.fullmatch(r"SAME~[a-z2-7]{10}\.txt", bases[1])
    assert bases[2] == "same"
    assert_never_shared(names)


@pytest.mark.parametrize("name", ["../x", "/x", "a/" * 40_000 + "../a", " "])
def test_a_given_name_that_is_not_safe_is_that_urls_failure(journal: Journal, name: str) -> None:
    failed = journal.admit([_target("https://u:secret@a/", 0, name)])[0]
    assert isinstance(failed, Failed)
    assert failed.kind is ErrorKind.BLOCKED
    assert failed.url == "https://u@a/"


# Any list at all


def _words(text: str) -> list[str]:
    return text.split()


_HOSTS = st.sampled_from(
    _words("h H h.html h.css h.png h_81 h:81 con _ .h h. h.part h.PART [::1] 127.0.0.1:81")
)
_STEMS = st.sampled_from(
    _words("""
    a A index INDEX é e\u0301 É ß ss K \u212a ﬁ fi \u202ea
    con CON aux%20 nul. _ . ... ~ a.b a@b a_b a%2Fb a%5Cb %2e%2e%2f %00 a%1Bb %ff %C3%BF a%20
    """)
    + [letter * size for letter in ("x", "é") for size in (92, 93, 150, 151, 185, 186, 238, 239)]
    # A name is cut after 150 bytes: just there these have what must not be at the end.
    + ["x" * 149 + "." + "y" * 200, "x" * 145 + ".part" + "y" * 200, ""]
)
_ENDS = st.sampled_from(["", "?" + "q" * 99, "?" + "q" * 150]) | st.sampled_from(
    _words("""
    .html .HTML .htm .xhtml .css .png .PNG .bin .php .php.html .php.css .html.html .css.html
    .webmanifest .\u017fvg .svg .part .PART .html.part .png.part . %20 _ ? ?b ?B ?b.html ?b.part
    """)
)
_SEGMENTS = st.builds("{}{}".format, _STEMS, _ENDS)
_FOLDERS = _SEGMENTS.map(lambda segment: segment.replace("?", "%3F"))
_ADDRESSES = st.builds(
    lambda scheme, host, folders, last: (
        f"{scheme}://{host}/{''.join(f'{f}/' for f in folders)}{last}"
    ),
    st.sampled_from(["http", "https"]),
    _HOSTS,
    st.lists(_FOLDERS, max_size=2),
    _SEGMENTS | st.just(""),
)
#: Few hosts and few names, so that they meet all the time.
_NEAR = st.builds(
    "https://{}/{}{}{}".format,
    st.sampled_from(["h", "h.html"]),
    st.sampled_from(["", "a/", "a.html/", "a.php/", "A.PNG/", "a.php.css/", "a.png.PART/", "_/"]),
    st.sampled_from(["", "a", "A", "index"]),
    _ENDS,
)
_GIVEN = st.tuples(
    _NEAR,
    st.sampled_from(
        _words("""
        h.html H h/a h/A.html h/a.png h/a.php.html h/a.html/b h/a.part h/a.bin/c h/index.html
        h/a/index.css h/con _ _/x ../x h/é h/e\u0301 h/E\u0301.html
        """)
    ),
)


def _parses(item: str | tuple[str, str]) -> bool:
    try:
        parse(item if isinstance(item, str) else item[0])
    except BadUrlError:
        return False
    return True


_LISTS = st.lists((_ADDRESSES | _NEAR | _NEAR | _GIVEN).filter(_parses), max_size=12)


@given(addresses=_LISTS, seed=st.integers(0, 1000))
@settings(max_examples=250, deadline=None)
def test_no_list_and_no_content_types_bring_two_urls_to_one_file(
    addresses: list[str | tuple[str, str]], seed: int
) -> None:
    names = _names(addresses)
    assert _names(addresses) == names
    types = random.Random(seed)
    taken = [
        Footprint.of([name.path(types.choice(MEDIA_TYPES))]) for name in names if name is not None
    ]
    files = Counter(path for each in taken for path in each.files)
    assert max(files.values(), default=1) == 1
    assert not files.keys() & set().union(*(each.folders for each in taken))


@given(addresses=st.lists((_ADDRESSES | _NEAR | _GIVEN).filter(_parses), min_size=2, max_size=2))
@settings(max_examples=150, deadline=None)
def test_no_two_urls_share_any_file_that_they_may_become(
    addresses: list[str | tuple[str, str]],
) -> None:
    names = _names(addresses)
    assume(None not in names)
    assert_never_shared(names)


@given(addresses=st.lists((_ADDRESSES | _NEAR).filter(_parses), max_size=12))
@settings(max_examples=80, deadline=None)
def test_every_address_that_names_no_file_gets_one(addresses: list[str]) -> None:
    distinct = list({parse(address): None for address in addresses})
    assert None not in _names(distinct)


def test_an_address_whose_name_a_later_list_gives_away_gets_another(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    (job,) = first.admit([_target("http://h/x/a.html")])
    first.close()
    assert isinstance(job, Job)
    second = Journal(tmp_path)
    given_away = [_target("http://h/other", 0, job.name.base), _target("http://h/x/a.html", 1)]
    other, again = second.admit(given_away)
    second.close()
    assert isinstance(other, Job)
    assert isinstance(again, Job)
    assert other.name.base == "h/x/a.html"
    assert again.name.base != other.name.base


def test_without_saving_only_duplicates_and_names_of_the_list_are_recorded() -> None:
    journal = Journal(None, Options(save=False))
    given = [
        _target("http://h/a", 0),
        _target("http://h/A", 1),
        _target("http://h/a", 2),
        _target("http://h/b", 3, "name"),
        _target("http://h/c", 4, "NAME"),
    ]
    first, second, duplicate, named, conflicting = journal.admit(given)
    rows = journal._db.execute("SELECT key FROM claims").fetchall()
    journal.close()
    assert isinstance(first, Job)
    assert isinstance(second, Job)
    assert first.name == second.name, "no two names are kept apart that nothing is saved under"
    assert isinstance(duplicate, Skipped)
    assert duplicate.reason is SkipReason.DUPLICATE
    assert "list:1" in duplicate.detail
    assert isinstance(named, Job)
    assert named.name.base == "name"
    assert isinstance(conflicting, Job)
    assert conflicting.name.base.startswith("NAME~")
    assert {key for (key,) in rows} == {"=name", f"={conflicting.name.base.lower()}"}


def test_without_saving_outcomes_are_not_recorded() -> None:
    journal = Journal(None, Options(save=False))
    (job,) = journal.admit([_target("http://h/a")])
    assert isinstance(job, Job)
    changes = journal._db.total_changes
    journal.record([(job, failed_outcome(job.target, BadUrlError("no")))])
    assert journal._db.total_changes == changes
    journal.close()


#: Admits argv[1] lines that are not saved, and prints how much memory that took.
ADMIT = """
import resource, sys
from downloader.journal import Journal
from downloader.models import Options, Target
from downloader.web.urls import Url

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def admit(numbers):
    urls = [Url(f"http://host-{number % 100}.example/page-{number}.html") for number in numbers]
    journal.admit([Target(url=url, index=0, origin="list:1") for url in urls])

journal = Journal(None, Options(save=False))
admit(range(512))
before = peak()
for start in range(512, int(sys.argv[1]), 512):
    admit(range(start, start + 512))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
def test_memory_does_not_grow_with_the_lines_that_are_not_saved() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ADMIT, "100000"], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) < 8_000_000


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER planted AFTER INSERT ON runs BEGIN DELETE FROM urls; END",
        "CREATE VIEW planted AS SELECT * FROM urls",
        "CREATE TABLE planted (x DEFAULT (randomblob(1000000)))",
    ],
)
def test_a_planted_journal_runs_no_sql_of_its_own(tmp_path: Path, planted: str) -> None:
    journal = Journal(tmp_path)
    journal.admit([_target("https://h/", 0)])
    journal.close()
    file = tmp_path / STATE_FOLDER / "journal.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        db.execute(planted)
    journal = Journal(tmp_path)
    journal.close()
    assert len(journal.warnings) == 1
    assert "was broken and is now journal.sqlite3.broken-1" in journal.warnings[0]
    with closing(sqlite3.connect(file.with_name("journal.sqlite3.broken-1"))) as db:
        assert db.execute("SELECT count(*) FROM urls").fetchone() == (1,)


@pytest.mark.parametrize(
    ("name", "ours", "planted"),
    [
        ("urls", "withdrawn INTEGER NOT NULL DEFAULT 0", "withdrawn INTEGER NOT NULL DEFAULT 1"),
        ("runs", "started REAL NOT NULL", "started REAL NOT NULL CHECK (abs(started) > 0)"),
        ("todos", "todo > 0", "abs(todo) > 0"),
    ],
)
def test_a_planted_default_check_or_index_is_refused(
    tmp_path: Path, name: str, ours: str, planted: str
) -> None:
    Journal(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / STATE_FOLDER / "journal.sqlite3")) as db:
        db.execute("PRAGMA writable_schema = ON")
        with db:
            changed = db.execute(
                "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ? AND sql LIKE ?",
                (ours, planted, name, f"%{ours}%"),
            )
            assert changed.rowcount == 1
    journal = Journal(tmp_path)
    journal.close()
    assert len(journal.warnings) == 1
    assert "was broken and is now journal.sqlite3.broken-1" in journal.warnings[0]


def _plant(root: Path, *statements: str) -> None:
    """Execute statements in the journal of a folder."""
    Journal(root).close()
    with closing(sqlite3.connect(root / STATE_FOLDER / "journal.sqlite3")) as db, db:
        for statement in statements:
            db.execute(statement)


@pytest.mark.parametrize(
    "planted",
    [
        "withdrawn INTEGER NOT NULL DEFAULT 0 CHECK (length(printf('%.*c', 900000000, 'x')))",
        "withdrawn INTEGER NOT NULL AS (length(printf('%.*c', 900000000, 'x')))",
    ],
    ids=["check", "generated column"],
)
def test_a_planted_expression_is_not_evaluated_to_check_the_journal(
    tmp_path: Path, planted: str
) -> None:
    _plant(
        tmp_path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'withdrawn INTEGER NOT NULL DEFAULT 0', "
        f"'{planted.replace(chr(39), chr(39) * 2)}') WHERE name = 'urls'",
    )
    with closing(sqlite3.connect(tmp_path / STATE_FOLDER / "journal.sqlite3")) as db:
        statements: list[str] = []
        db.set_trace_callback(statements.append)
        with pytest.raises(sqlite3.DatabaseError, match="the schema of the table urls is wrong"):
            database._lock_and_check(db)
    assert not any("integrity_check" in statement for statement in statements)
    journal = Journal(tmp_path)
    journal.close()
    assert len(journal.warnings) == 1


def test_a_journal_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    _plant(tmp_path, "ALTER TABLE urls ADD COLUMN news TEXT", "PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="was written by a newer version"):
        Journal(tmp_path)
    assert not list((tmp_path / STATE_FOLDER).glob("*broken*"))


def test_damage_in_mid_run_ends_the_run_and_the_next_one_replaces_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.journal.database._CACHE_KIB", 4)
    file = tmp_path / STATE_FOLDER / "journal.sqlite3"
    targets = [_target(f"http://h.test/{number}", number) for number in range(2000)]
    uses: list[Callable[[Journal], object]] = [
        lambda journal: journal.admit(targets),
        lambda journal: journal.locations([target.url for target in targets]),
        lambda journal: journal.documents(0, 10),
    ]
    for use in uses:
        with closing(Journal(tmp_path)) as journal:
            journal.admit(targets)
        with closing(Journal(tmp_path)) as journal:
            size = file.stat().st_size
            with file.open("r+b") as stream:
                stream.seek(4096)
                stream.write(bytes(size - 4096))
            with pytest.raises(DiskError, match="was damaged during the run") as raised:
                use(journal)
        assert raised.value.hint == "run the same command again: what is saved is kept"
        with closing(Journal(tmp_path)) as journal:
            [warning] = journal.warnings
            assert "was broken and is now journal.sqlite3.broken-" in warning
            assert all(isinstance(each, Job) for each in journal.admit(targets))


@pytest.mark.parametrize(
    "damage",
    [
        "growth = 'alwayz'",
        "role = 7",
        "path = x'ff'",
        "saved = 'many'",
        "sha256 = 'ab'",
        "id = 9223372036854775807",
        "origin = printf('%.*c', 20000000, 'x')",
    ],
)
def test_a_value_that_no_run_writes_is_damage(tmp_path: Path, damage: str) -> None:
    target = _target("http://h.test/")
    with closing(Journal(tmp_path)) as journal:
        journal.admit([target])
    with closing(sqlite3.connect(tmp_path / STATE_FOLDER / "journal.sqlite3")) as db, db:
        db.execute(f"UPDATE urls SET {damage}")
    with closing(Journal(tmp_path)) as journal:
        assert len(journal.warnings) == 1
        assert isinstance(journal.admit([target])[0], Job)
