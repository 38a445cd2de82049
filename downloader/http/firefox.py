"""The cookies of Firefox, which it keeps in an SQLite file in the folder of each profile."""

import configparser
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from downloader.errors import RunError
from downloader.http.cookies import CONTROLS, Cookie, is_address

_HINT = "see --cookies-from-browser"
_DATABASE = "cookies.sqlite"
#: What has been written since the last checkpoint; Firefox seldom makes one while it is running.
_LOG = "cookies.sqlite-wal"
#: Attempts to copy both files without a checkpoint in between.
_COPY_ATTEMPTS = 5
#: From this version of the table on (Firefox 142), times are in milliseconds.
_MILLISECONDS_VERSION = 16
#: Cookies of containers and of third parties that Firefox keeps apart have other attributes.
_QUERY = (
    "SELECT name, value, host, path, expiry, isSecure FROM moz_cookies WHERE originAttributes = ''"
)


def read_firefox_cookies(profile: str = "") -> list[Cookie]:
    """Return the cookies of Firefox; it may be running.

    Cookies that end with the browser's session are not in the file.

    Args:
        profile: the name of a profile, its folder, or an empty text for the default one.

    Raises:
        RunError: there is no such profile, or its cookies cannot be read.
    """
    folder = find_profile(profile)
    if not (folder / _DATABASE).is_file():
        raise RunError(f"there are no cookies of Firefox in {folder}", hint=_HINT)
    try:
        # Firefox locks its file while it is running, so that only a copy can be opened.
        with tempfile.TemporaryDirectory() as copy:
            _copy(folder, Path(copy))
            return list(_read(Path(copy) / _DATABASE))
    except sqlite3.Error as error:
        reason = str(error)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise RunError(f"cannot read the cookies of Firefox in {folder}: {reason}", hint=_HINT)


def find_profile(profile: str) -> Path:
    """Return the folder of a profile; see :func:`read_firefox_cookies`.

    Raises:
        RunError: there is none.
    """
    if os.sep in profile:
        return Path(profile).expanduser()
    names = set()
    for root in _roots():
        for name, folder, is_default in _profiles(root):
            if is_default if not profile else profile in (name, folder.name):
                return folder
            names.add(name)
    if profile and names:
        raise RunError(
            f"Firefox has no profile {profile}; it has {', '.join(sorted(names))}", hint=_HINT
        )
    raise RunError("Firefox has no profile on this machine", hint=_HINT)


def _roots() -> list[Path]:
    """Return the folders that may hold profiles: of packages, Snap and Flatpak on Linux."""
    home = Path.home()
    if sys.platform == "darwin":
        return [home / "Library/Application Support/Firefox"]
    if sys.platform == "win32":
        return [Path(os.environ.get("APPDATA", home)) / "Mozilla/Firefox"]
    config = os.environ.get("XDG_CONFIG_HOME") or home / ".config"
    return [
        home / ".mozilla/firefox",
        Path(config) / "mozilla/firefox",
        home / "snap/firefox/common/.mozilla/firefox",
        home / ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ]


def _profiles(root: Path) -> Iterator[tuple[str, Path, bool]]:
    """Yield name and folder of each profile in profiles.ini, and whether it is the default one.

    The default profile comes first. That of an installation goes before the one that older versions
    call the default; without any, the first profile is it.
    """
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(root / "profiles.ini", encoding="utf-8")
    except (OSError, ValueError, configparser.Error):
        # A browser that cannot be read has no profiles.
        return
    installed = {
        parser[section].get("Default") for section in parser if section.startswith("Install")
    }
    found = []
    for section in parser:
        path = parser[section].get("Path")
        if not section.startswith("Profile") or path is None:
            continue
        rank = 0 if path in installed else 1 if parser[section].get("Default") == "1" else 2
        found.append((rank, parser[section].get("Name", path), root / path))
    found.sort(key=lambda each: each[0])
    for number, (_, name, folder) in enumerate(found):
        yield name, folder, number == 0


def _copy(folder: Path, to: Path) -> None:
    """Copy the database with its log, both of the same moment."""
    for _ in range(_COPY_ATTEMPTS):
        before = _state(folder)
        shutil.copyfile(folder / _DATABASE, to / _DATABASE)
        (to / _LOG).unlink(missing_ok=True)
        if (folder / _LOG).exists():
            shutil.copyfile(folder / _LOG, to / _LOG)
        if _state(folder) == before:
            return


def _state(folder: Path) -> list[tuple[int, int] | None]:
    """Return size and time of both files, which change with each write."""
    files = [folder / _DATABASE, folder / _LOG]
    states = [file.stat() if file.exists() else None for file in files]
    return [state and (state.st_size, state.st_mtime_ns) for state in states]


def _read(database: Path) -> Iterator[Cookie]:
    with closing(sqlite3.connect(database)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        unit = 1000 if version >= _MILLISECONDS_VERSION else 1
        for name, value, host, path, expiry, secure in connection.execute(_QUERY):
            text = f"{name}{value}{host}{path}"
            if CONTROLS.search(text) or not host or not isinstance(expiry, int):
                continue
            domain = str(host).lower()
            domain = f"[{domain}]" if ":" in domain else domain
            yield Cookie(
                name=str(name),
                value=str(value),
                domain=domain.removeprefix("."),
                host_only=not domain.startswith(".") or is_address(domain),
                path=str(path) or "/",
                secure=bool(secure),
                expires=expiry / unit,
            )
