"""The journal's SQLite database: its schema and migrations, and opening it in any condition."""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from enum import Enum
from functools import partial
from itertools import chain
from pathlib import Path

from downloader.errors import BusyError, DiskError, OutputError
from downloader.journal.model import PendingWork, RowState, TargetRole
from downloader.web.filenames import ExtensionRule, FileName, claim_keys

#: The folder of this program's own files in an output folder; no saved name begins with a dot.
STATE_FOLDER = ".download"
DATABASE_NAME = "journal.sqlite3"
_VERSION = 8
#: The first version with UPDATE … FROM.
_MIN_SQLITE = (3, 33)
#: The version whose names may get more extensions than those of earlier versions.
_VERSION_WITH_MORE_EXTENSIONS = 4
#: SQLite's cache of pages; others are read from the cache of the system.
_CACHE_KIB = 4 * 1024
#: Prepared statements that are kept for the next call. Those of :func:`insert_many` hold up to a
#: megabyte, with the values of their last rows, and few of them are used twice.
_CACHED_STATEMENTS = 8
#: Result codes for a database that another process holds, and for a failure of the disk. Any other
#: error while it is opened means that it is broken.
_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DISK_CODES = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}
#: Result codes for damage that shows only when a page of the database is read.
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
#: Suffixes of the files that SQLite may keep beside the database.
_SIDE_FILE_SUFFIXES = ("-wal", "-shm", "-journal")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS urls (
    id INTEGER PRIMARY KEY,         -- in the order of the list
    address BLOB NOT NULL UNIQUE,   -- BLAKE2b of request and URL without password, 16 bytes
    url TEXT NOT NULL,              -- without password
    base TEXT NOT NULL,             -- its file name before the content type is known
    growth TEXT NOT NULL,           -- which extension the content type may add
    state INTEGER NOT NULL,         -- 0 claimed, 1 done, 2 failed, 3 moved, 4 sent
    run INTEGER NOT NULL,           -- the last run that admitted it
    origin TEXT NOT NULL,           -- list and line where that run read it
    admitted REAL NOT NULL,         -- when, in seconds since the epoch
    path TEXT,                      -- of its file
    saved INTEGER,                  -- bytes of the file
    wire INTEGER,                   -- bytes received over the network
    characters INTEGER,             -- of a text
    sha256 BLOB,
    etag TEXT,
    last_modified TEXT,
    part_path TEXT,                 -- of a partial file: the name of the whole file
    validator TEXT,                 -- of a partial file: for If-Range
    part_url TEXT,                  -- of a partial file: the URL that answered
    total INTEGER,                  -- of a partial file: bytes of the whole body
    attempts INTEGER,
    kind TEXT,                      -- of a failure
    message TEXT,                   -- of a failure
    finished REAL,                  -- when, in seconds since the epoch
    media_type TEXT,                -- of the file
    charset TEXT,                   -- of a text, from the Content-Type header
    final_url TEXT,                 -- the URL that answered, if redirects led there
    published INTEGER,              -- bytes of the file after its links were replaced
    published_sha256 BLOB,          -- of that file
    withdrawn INTEGER NOT NULL DEFAULT 0, -- whether only the received bytes are kept
    todo INTEGER NOT NULL DEFAULT 0,     -- left for this run: 1 to fetch it, 2 to read it
    role INTEGER NOT NULL DEFAULT 0,     -- 0 listed, 1 linked, 2 needed, 3 optional
    parent TEXT,                    -- the URL of the page that it was found on
    root TEXT,                      -- the URL of the line that led there
    line INTEGER NOT NULL DEFAULT 0,     -- index of that line in the list
    depth INTEGER NOT NULL DEFAULT 0,    -- links from that line to it
    nesting INTEGER NOT NULL DEFAULT 0,  -- levels of requisites of requisites
    hops INTEGER NOT NULL DEFAULT 0,     -- redirects that led to it
    packed_at INTEGER,              -- offset of its record, if the file is a volume
    page_fields TEXT,               -- response fields that act like elements of the page
    request TEXT,                   -- method and hash of the body, unless it is a plain GET
    texts TEXT                      -- formats of the files with the text of the page
);
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY,           -- what a file of that name may be called
    owner INTEGER NOT NULL          -- the id of the URL that claimed it first
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, started REAL NOT NULL);
CREATE TABLE IF NOT EXISTS finished_mirrors (
    run INTEGER PRIMARY KEY,        -- the last run that has left a mirror whole
    plan BLOB NOT NULL              -- digest of its list and options
);
CREATE INDEX IF NOT EXISTS todos ON urls (todo, depth, id) WHERE todo > 0;
CREATE INDEX IF NOT EXISTS finals ON urls (final_url) WHERE final_url IS NOT NULL;
"""
#: Columns that a version of the schema added to the table ``urls``.
_COLUMNS_OF_VERSION_2 = (
    *("media_type TEXT", "charset TEXT", "final_url TEXT", "published INTEGER"),
    *("published_sha256 BLOB", "withdrawn INTEGER NOT NULL DEFAULT 0"),
    "todo INTEGER NOT NULL DEFAULT 0",
    *(
        "role INTEGER NOT NULL DEFAULT 0",
        "parent TEXT",
        "root TEXT",
        "line INTEGER NOT NULL DEFAULT 0",
    ),
    *("depth INTEGER NOT NULL DEFAULT 0", "nesting INTEGER NOT NULL DEFAULT 0"),
    "hops INTEGER NOT NULL DEFAULT 0",
)
_ADDED_COLUMNS: dict[int, tuple[str, ...]] = {
    2: _COLUMNS_OF_VERSION_2,
    3: ("packed_at INTEGER",),
    4: (),
    5: ("page_fields TEXT",),
    6: (),
    7: ("request TEXT",),
    8: ("texts TEXT",),
}

#: Conditions that hold for a value of another type than its column. SQLite sorts numbers before
#: texts before blobs, and to compare them takes a third of the time of typeof().
_WRONG_TYPE = {
    "INTEGER": "{0} >= ''",
    "REAL": "{0} >= ''",
    "TEXT": "{0} < '' OR {0} >= x''",
    "BLOB": "{0} < x''",
}
#: Columns of the table ``urls`` that hold the values of an enumeration.
_ENUM_COLUMNS: dict[str, type[Enum]] = {
    "growth": ExtensionRule,
    "state": RowState,
    "todo": PendingWork,
    "role": TargetRole,
}

_SQL_COMMENT = re.compile("--[^\n]*")
_SQL_TOKEN = re.compile(r"\w+|[^\w\s]")

#: Bytes of a value or row; what a list or a server gives is far smaller.
_MAX_VALUE_BYTES = 16 * 1024 * 1024
#: Ids are counted up from the greatest one.
_MAX_ROW_ID = 2**62
#: A value that SQLite can store.
Value = str | bytes | int | float | None
#: Values in one statement; SQLite allows 32,766.
MAX_VALUES_PER_STATEMENT = 2048


def insert_many(
    db: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Value]], suffix: str = ""
) -> None:
    """Execute *statement*, which ends in ``VALUES``, with many rows at once, followed by *suffix*.

    Each step of a statement releases the interpreter's lock, and to get it back from a busy event
    loop takes longer than the step: one statement for many rows is much quicker than many.
    """
    batch_size = max(1, MAX_VALUES_PER_STATEMENT // len(rows[0])) if rows else 1
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        marks = f"({','.join('?' * len(batch[0]))})"
        values = list(chain.from_iterable(batch))
        db.execute(f"{statement} {','.join([marks] * len(batch))} {suffix}", values)


def has_journal(root: Path) -> bool:
    """Return whether the folder *root* has a journal."""
    return (root / STATE_FOLDER / DATABASE_NAME).is_file()


def open_journal(root: Path, warnings: list[str] | None = None) -> sqlite3.Connection:
    """Open the journal of the output folder *root*, or create it.

    With *warnings*, a broken one is renamed, not deleted, and a message is added to the list.

    Raises:
        BusyError: another run holds it.
        OutputError: it was written by a newer version, or it is broken and there is no *warnings*.
        DiskError: the disk refuses.
    """
    if sqlite3.sqlite_version_info < _MIN_SQLITE:
        raise OutputError(
            f"SQLite {sqlite3.sqlite_version} is too old for the journal",
            hint=f"Python needs {'.'.join(map(str, _MIN_SQLITE))} or newer",
        )
    folder = root / STATE_FOLDER
    file = folder / DATABASE_NAME
    if file.is_dir():
        raise OutputError(
            f"the journal {file} is a folder", hint="remove that folder, or choose another --output"
        )
    try:
        links = [path for path in (folder, *database_files(file)) if path.is_symlink()]
        if links:
            raise OutputError(f"{links[0]} is a symbolic link", hint="remove it")
        folder.mkdir(exist_ok=True)
        try:
            return _connect(file)
        except sqlite3.DatabaseError as error:
            if _primary_code(error) in _BUSY_CODES | _DISK_CODES:
                raise
            if warnings is None:
                raise OutputError(
                    f"the journal {file} is broken", hint="run the command for that folder again"
                ) from error
            renamed = _rename_broken(file)
            warnings.append(
                f"the journal {file} was broken and is now {renamed.name}; "
                "saved files are fetched again and compared"
            )
            return _connect(file)
    except sqlite3.DatabaseError as error:
        if _primary_code(error) in _BUSY_CODES:
            raise BusyError(
                f"another run is using the folder {root}",
                hint="wait for it, or choose another --output",
            ) from error
        raise DiskError(f"cannot use the journal {file}: {error}", hint="see --output") from error
    except OSError as error:
        raise DiskError(
            f"cannot use the journal {file}: {error.strerror}", hint="see --output"
        ) from error


def open_replica(file: Path) -> sqlite3.Connection:
    """Open a downloaded replica of a journal.

    Raises:
        OutputError: it was written by a newer version.
        sqlite3.DatabaseError: it is broken.
    """
    db = _connect(file)
    (runs,) = db.execute("SELECT count(*) FROM runs").fetchone()
    if not runs:
        db.close()
        # It is no replica: a run records its start before it makes one.
        raise sqlite3.DatabaseError("it is empty")
    return db


def open_temporary_journal() -> sqlite3.Connection:
    """Open a journal that ends with the run; SQLite moves it to disk when it grows."""
    db = _open_database("")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # The pages that a transaction changes are kept until it ends: in a file that is in memory while
    # it is small.
    db.execute("PRAGMA journal_mode = TRUNCATE")
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(_SCHEMA)
    return db


def _open_database(file: Path | str) -> sqlite3.Connection:
    """Open a database, which nothing is read from yet; one without a name is temporary."""
    return sqlite3.connect(
        file,
        timeout=0,
        check_same_thread=False,
        isolation_level=None,
        cached_statements=_CACHED_STATEMENTS,
    )


def _connect(file: Path) -> sqlite3.Connection:
    """Open or create a journal, lock it exclusively, check it and migrate it.

    Raises:
        OutputError: it was written by a newer version.
        sqlite3.DatabaseError: another process holds it, the disk refuses, or it is broken.
    """
    db = _open_database(file)
    # Damage that SQLite does not notice may leave text that is not UTF-8.
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; only a power failure may.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        version = _lock_and_check(db)
        _migrate(db, file, version)
        _check_schema(db)
        _check_values(db)
    except UnicodeDecodeError as error:
        db.close()
        # Raised by sqlite3 itself, when an error message of SQLite quotes damaged text.
        raise sqlite3.DatabaseError("damaged text") from error
    except BaseException:
        db.close()
        raise
    return db


def _lock_and_check(db: sqlite3.Connection) -> int:
    """Lock the database for this process; return the version of its schema, 0 if it is new."""
    db.execute("BEGIN EXCLUSIVE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        # _migrate() refuses it, whatever it holds.
        db.execute("COMMIT")
        return int(version)
    # Before integrity_check, which would evaluate what a planted schema has.
    _check_objects(db)
    # quick_check is twice as fast, but does not compare indexes with their tables: such damage
    # would show only when a row is written.
    (check,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    db.execute("COMMIT")
    if check != "ok":
        raise sqlite3.DatabaseError(check)
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and not version:
        raise sqlite3.DatabaseError("the file of another program")
    return int(version)


def _check_objects(db: sqlite3.Connection) -> None:
    """Refuse a journal with triggers, views or tables that are not ours, before they are used.

    The journal of an output folder may come from anybody, and a trigger, a CHECK or a generated
    column runs SQL of its own. The tables of earlier versions have fewer columns at their end.

    Raises:
        sqlite3.DatabaseError: the schema has something that a new journal does not have.
    """
    expected = _expected_schema()
    for key, sql in _schema_of(db).items():
        if key not in expected:
            raise sqlite3.DatabaseError(f"it has a {key[0]} {key[1]!r}")
        if not expected[key].startswith(sql.removesuffix(" )")):
            raise sqlite3.DatabaseError(f"the schema of the {' '.join(key)} is wrong")


def _migrate(db: sqlite3.Connection, file: Path, version: int) -> None:
    """Create the tables, or add what later versions of the schema have."""
    if version > _VERSION:
        raise OutputError(
            f"{file} was written by a newer version of this program",
            hint="update it, or choose another --output",
        )
    for later in range(version + 1, _VERSION + 1) if version else ():
        db.execute("BEGIN")
        for column in _ADDED_COLUMNS[later]:
            db.execute(f"ALTER TABLE urls ADD COLUMN {column}")
        if later == _VERSION_WITH_MORE_EXTENSIONS:
            _claim_extensions(db)
        db.execute(f"PRAGMA user_version = {later}")
        db.execute("COMMIT")
    db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")


def _claim_extensions(db: sqlite3.Connection) -> None:
    """Claim the names of files whose extension older versions did not append to names.

    In such a journal ``report`` (once saved as ``report.bin``) and ``report.docx`` are two names,
    and a new body of the first would now replace the file of the second. The first gets another
    name when it is admitted again.
    """
    for row, base, rule in db.execute("SELECT id, base, growth FROM urls WHERE base != ''"):
        keys = claim_keys(FileName(base, ExtensionRule(rule))).claimed
        new = [(key, row) for key in keys if key.startswith(("*", "/*"))]
        db.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?)", new)
    for prefix in ("*", "/*"):
        # The key ?report conflicts with *report, which is a file, and with /*report, a folder.
        rows = db.execute(
            "SELECT mine.owner FROM claims mine JOIN claims other "
            "ON other.key = ? || substr(mine.key, 2) WHERE substr(mine.key, 1, 1) = '?'",
            (prefix,),
        ).fetchall()
        db.executemany("UPDATE urls SET base = '', state = 0 WHERE id = ?", rows)
        db.executemany("DELETE FROM claims WHERE owner = ? AND substr(key, 1, 1) = '?'", rows)


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether *error* says that the database file is damaged."""
    return _primary_code(error) in _DAMAGE_CODES


def _primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 for an error that Python raised."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _check_schema(db: sqlite3.Connection) -> None:
    """Compare the schema with that of a new journal: integrity_check accepts any.

    A DEFAULT, a CHECK or an indexed expression that was planted would run with our statements.

    Raises:
        sqlite3.DatabaseError: they differ.
    """
    expected = _expected_schema()
    for key, sql in _schema_of(db).items():
        if sql != expected.pop(key, ""):
            raise sqlite3.DatabaseError(f"the schema of the {' '.join(key)} is wrong")
    for key in expected:
        raise sqlite3.DatabaseError(f"the {' '.join(key)} is missing")


def _check_values(db: sqlite3.Connection) -> None:
    """Refuse values that no run writes: integrity_check accepts any value in any column.

    Raises:
        sqlite3.DatabaseError: a value is of another type than its column, or not of its
            enumeration.
    """
    for table in ("urls", "claims", "runs", "finished_mirrors"):
        columns = db.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        wrong = [_WRONG_TYPE[kind].format(name) for name, kind in columns]
        if table == "urls":
            wrong.append(f"id > {_MAX_ROW_ID}")
            for name, values in _ENUM_COLUMNS.items():
                wrong.append(f"{name} NOT IN ({', '.join(repr(value.value) for value in values)})")
        query = f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong)} LIMIT 1"  # noqa: S608 - constants
        if db.execute(query).fetchone() is not None:
            raise sqlite3.DatabaseError(f"the table {table} has a value that no run writes")


def _expected_schema() -> dict[tuple[str, str], str]:
    """Return the schema of a new journal, as :func:`_schema_of` does."""
    with closing(sqlite3.connect(":memory:")) as new:
        new.executescript(_SCHEMA)
        return _schema_of(new)


def _schema_of(db: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Return the SQL of each table and index, by kind and name.

    Comments and spaces are left out: a column that a migration added has none.
    """
    objects = db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return {
        (kind, name): " ".join(_SQL_TOKEN.findall(_SQL_COMMENT.sub("", sql)))
        for kind, name, sql in objects
    }


def database_files(file: Path) -> list[Path]:
    """Return the database file and the files that SQLite may keep beside it."""
    return [file, *(file.with_name(file.name + suffix) for suffix in _SIDE_FILE_SUFFIXES)]


def _rename_broken(file: Path) -> Path:
    """Rename a broken database and the files beside it; return its new path."""
    number = 1
    while (renamed := file.with_name(f"{file.name}.broken-{number}")).exists():
        number += 1
    for old, new in zip(database_files(file), database_files(renamed), strict=True):
        with suppress(FileNotFoundError):
            old.rename(new)
    return renamed
