"""A folder of Firefox as it is on a user's disk."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

#: The table of Firefox 128; that of later versions has the same columns.
_TABLE = """
CREATE TABLE moz_cookies (
    id INTEGER PRIMARY KEY, originAttributes TEXT NOT NULL DEFAULT '', name TEXT, value TEXT,
    host TEXT, path TEXT, expiry INTEGER, lastAccessed INTEGER, creationTime INTEGER,
    isSecure INTEGER, isHttpOnly INTEGER, inBrowserElement INTEGER DEFAULT 0,
    sameSite INTEGER DEFAULT 0, rawSameSite INTEGER DEFAULT 0, schemeMap INTEGER DEFAULT 0,
    isPartitionedAttributeSet INTEGER DEFAULT 0,
    CONSTRAINT moz_uniqueid UNIQUE (name, host, path, originAttributes)
)"""
_INSERT = """
INSERT INTO moz_cookies (originAttributes, name, value, host, path, expiry, isSecure, isHttpOnly)
VALUES (?, ?, ?, ?, ?, ?, ?, 1)"""

#: Attributes of the container or site, name, value, host, path, expiry, whether only for TLS.
Row = tuple[str, str, str, str, str, int, int]


def run_firefox(profile: Path, rows: Sequence[Row], *, version: int = 13) -> sqlite3.Connection:
    """Store cookies in a profile as a Firefox does that goes on running until it is closed.

    Its file is locked, and the cookies are in the log beside it.
    """
    profile.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(profile / "cookies.sqlite", isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(_TABLE)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.executemany(_INSERT, rows)
    return connection


def write_profiles(root: Path, text: str) -> None:
    """Write the file that names the profiles."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "profiles.ini").write_text(text)
