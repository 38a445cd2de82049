"""Reading the cookies of Firefox, whichever version, package and profile."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from downloader.errors import RunError
from downloader.http.cookies import Cookie
from downloader.http.firefox import find_profile, read_firefox_cookies
from tests.support.firefox import Row, run_firefox, write_profiles

EXPIRY = 1_900_000_000
INI = """
[Install4F96D1932A9F858E]
Default=Profiles/abc.default-release
Locked=1

[Profile1]
Name=default
IsRelative=1
Path=Profiles/old.default
Default=1

[Profile0]
Name=default-release
IsRelative=1
Path=Profiles/abc.default-release

[Profile2]
Name=work
IsRelative=0
Path=/elsewhere/work

[General]
StartWithLastProfile=1
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


@pytest.mark.parametrize("version", [13, 16])
def test_the_cookies_of_a_running_firefox_are_read(version: int, home: Path) -> None:
    unit = 1000 if version == 16 else 1
    rows: list[Row] = [
        ("", "host", "1", "www.shop.test", "/", EXPIRY * unit, 1),
        ("", "domain", "2", ".shop.test", "/x", EXPIRY * unit, 0),
        ("", "tab", "a\tb", "shop.test", "/", EXPIRY * unit, 0),
        ("^userContextId=2", "container", "3", "shop.test", "/", EXPIRY * unit, 0),
        ("^partitionKey=%28https%2Cother.test%29", "third", "4", "ads.test", "/", EXPIRY * unit, 0),
        ("", "address", "5", "::1", "/", EXPIRY * unit, 0),
    ]
    profile = home / "profile"
    with closing(run_firefox(profile, rows, version=version)):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(profile / "cookies.sqlite", timeout=0).execute(
                "SELECT * FROM moz_cookies"
            )
        before = {file.name: file.read_bytes() for file in profile.iterdir()}
        cookies = read_firefox_cookies(str(profile))
        assert {file.name: file.read_bytes() for file in profile.iterdir()} == before
    assert cookies == [
        Cookie("host", "1", "www.shop.test", secure=True, expires=EXPIRY),
        Cookie("domain", "2", "shop.test", host_only=False, path="/x", expires=EXPIRY),
        Cookie("address", "5", "[::1]", expires=EXPIRY),
    ]


@pytest.mark.parametrize(
    "folder",
    [
        ".mozilla/firefox",
        ".config/mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ],
)
def test_profiles_are_found_where_packages_have_them(folder: str, home: Path) -> None:
    write_profiles(home / folder, INI)
    assert find_profile("") == home / folder / "Profiles/abc.default-release"
    assert find_profile("default") == home / folder / "Profiles/old.default"
    assert find_profile("old.default") == home / folder / "Profiles/old.default"
    assert find_profile("work") == Path("/elsewhere/work")
    assert find_profile("~/any/folder") == home / "any/folder"
    with pytest.raises(RunError, match="Firefox has no profile other; it has default, default-"):
        find_profile("other")


@pytest.mark.parametrize(
    ("ini", "found"),
    [
        ("[Profile0]\nName=a\nPath=a\n[Profile1]\nName=b\nPath=b\nDefault=1\n", "b"),
        ("[Profile0]\nName=a\nPath=a\n[Profile1]\nName=b\nPath=b\n", "a"),
        ("[Profile0]\nName=a%(x)s\nPath=a\n[Profile0]\nName=b\n", "a"),
    ],
)
def test_older_files_name_the_default_profile_in_other_ways(
    ini: str, found: str, home: Path
) -> None:
    write_profiles(home / ".mozilla/firefox", ini)
    assert find_profile("") == home / ".mozilla/firefox" / found


@pytest.mark.parametrize("ini", [None, "", "no section", "[Profile0]\nName=a\n", "\0"])
def test_a_machine_without_a_profile_is_one_clear_line(ini: str | None, home: Path) -> None:
    if ini is not None:
        write_profiles(home / ".mozilla/firefox", ini)
    with pytest.raises(RunError, match=r"^Firefox has no profile on this machine$"):
        read_firefox_cookies()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "there are no cookies of Firefox in "),
        (b"no database, but long enough to be taken for one" * 100, "file is not a database"),
        (b"", "no such table: moz_cookies"),
    ],
)
def test_a_profile_that_cannot_be_read_is_one_clear_line(
    data: bytes | None, reason: str, home: Path
) -> None:
    if data is not None:
        (home / "cookies.sqlite").write_bytes(data)
    with pytest.raises(RunError, match=reason):
        read_firefox_cookies(f"{home}/")
