"""The SQLite file of the journal: its tables, and opening it whatever state it is in."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from downloader.errors import BusyError, DiskError, OutputError
from downloader.web.filenames import ExtensionRule, FileName, claim_keys

#: The folder of this program's own files; no saved name begins with a dot.
FOLDER = ".download"
FILE = "journal.sqlite3"
_VERSION = 4
#: The first that knows UPDATE … FROM.
_LEAST_SQLITE = (3, 33)
#: The version that appends more extensions to names than those before.
_MORE_EXTENSIONS = 4
_CACHE_KIB = 8 * 1024
#: Result codes that say that another process holds the file, or that the disk refuses; anything
#: else that goes wrong when it is opened says that it is broken.
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DISK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}
#: Endings of the files that SQLite may put beside its own.
_BESIDE = ("-wal", "-shm", "-journal")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS urls (
    id INTEGER PRIMARY KEY,         -- in the order of the list, as they are asked for again
    address BLOB NOT NULL UNIQUE,   -- of the address without password: BLAKE2b, 16 bytes
    url TEXT NOT NULL,              -- the address itself, without password
    base TEXT NOT NULL,             -- its name before the content type is known
    growth TEXT NOT NULL,           -- which extension the content type may add
    state INTEGER NOT NULL,         -- 0 claimed, 1 done, 2 failed, 3 moved
    run INTEGER NOT NULL,           -- the last run that admitted it
    origin TEXT NOT NULL,           -- where that run read it
    admitted REAL NOT NULL,         -- when, in seconds since the epoch
    path TEXT,                      -- its file
    saved INTEGER,                  -- bytes of that
    wire INTEGER,                   -- bytes received for it
    characters INTEGER,             -- of text
    sha256 BLOB,
    etag TEXT,
    last_modified TEXT,
    part_path TEXT,                 -- of a partial file: what it is to become
    validator TEXT,                 -- of a partial file: what If-Range may say
    part_url TEXT,                  -- of a partial file: where it came from
    total INTEGER,                  -- of a partial file: bytes of the whole
    attempts INTEGER,
    kind TEXT,                      -- of a failure
    message TEXT,                   -- of a failure
    finished REAL,                  -- when, in seconds since the epoch
    media_type TEXT,                -- of the file
    charset TEXT,                   -- of text, as the server's header told it
    final_url TEXT,                 -- where it was found, if redirects led there
    published INTEGER,              -- bytes of the file, if its links were replaced
    published_sha256 BLOB,          -- of that file
    withdrawn INTEGER NOT NULL DEFAULT 0, -- whether it is only kept with the originals
    todo INTEGER NOT NULL DEFAULT 0,     -- what this run is still to do: 1 fetch it, 2 read it
    role INTEGER NOT NULL DEFAULT 0,     -- 0 listed, 1 linked, 2 needed, 3 optional
    parent TEXT,                    -- the address of the page that it was found on
    root TEXT,                      -- the address of the line that led there
    line INTEGER NOT NULL DEFAULT 0,     -- place in the list of the line that led there
    depth INTEGER NOT NULL DEFAULT 0,    -- so many links lead to it from there
    nesting INTEGER NOT NULL DEFAULT 0,  -- it is part of a part of … a page
    hops INTEGER NOT NULL DEFAULT 0,     -- so many redirects led to it
    packed_at INTEGER               -- its record in the file, if that is a volume: at which byte
);
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY,           -- what a name may become
    owner INTEGER NOT NULL          -- the id of the address that took it first
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, started REAL NOT NULL);
CREATE INDEX IF NOT EXISTS todos ON urls (todo, depth, id) WHERE todo > 0;
CREATE INDEX IF NOT EXISTS finals ON urls (final_url) WHERE final_url IS NOT NULL;
"""
#: What versions added to the addresses: a journal of one before gets it when it is opened.
_ADDED_2 = (
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
_ADDED: dict[int, tuple[str, ...]] = {2: _ADDED_2, 3: ("packed_at INTEGER",), 4: ()}


#: What SQLite stores.
Value = str | bytes | int | float | None
#: So many values go into one statement; SQLite takes no more than 32,766.
_VALUES = 10_000


def insert_many(
    db: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Value]], rest: str = ""
) -> None:
    """Run *statement*, which ends in ``VALUES``, with many rows at once, and *rest* behind them.

    Each step of a statement gives the interpreter's lock away, and to get it back from a busy event
    loop costs more than the step; so one statement for many rows is much quicker than many.
    """
    most = max(1, _VALUES // len(rows[0])) if rows else 1
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        row = f"({','.join('?' * len(some[0]))})"
        values = list(chain.from_iterable(some))
        db.execute(f"{statement} {','.join([row] * len(some))} {rest}", values)


def is_in(root: Path) -> bool:
    """Return whether the folder *root* has a journal."""
    return (root / FOLDER / FILE).is_file()


def open_in(root: Path, warnings: list[str]) -> sqlite3.Connection:
    """Open the journal of the output folder *root*, or make it.

    One that is broken is set aside, not deleted, and *warnings* gets a line about it.

    Raises:
        BusyError: another run holds it.
        OutputError: it was written by a newer version.
        DiskError: the disk refuses.
    """
    if sqlite3.sqlite_version_info < _LEAST_SQLITE:
        raise OutputError(
            f"SQLite {sqlite3.sqlite_version} is too old for the journal",
            hint=f"Python needs {'.'.join(map(str, _LEAST_SQLITE))} or newer",
        )
    folder = root / FOLDER
    file = folder / FILE
    try:
        planted = [path for path in (folder, *files_of(file)) if path.is_symlink()]
        if planted:
            raise OutputError(f"{planted[0]} is a symbolic link", hint="remove it")
        folder.mkdir(exist_ok=True)
        try:
            return _connect(file)
        except sqlite3.DatabaseError as error:
            if _code(error) in _BUSY | _DISK:
                raise
            aside = _set_aside(file)
            warnings.append(
                f"the journal {file} was broken and is now {aside.name}; "
                "what is there is fetched again and compared"
            )
            return _connect(file)
    except sqlite3.DatabaseError as error:
        if _code(error) in _BUSY:
            raise BusyError(
                f"another run is using the folder {root}",
                hint="wait for it, or choose another --output",
            ) from error
        raise DiskError(f"cannot use the journal {file}: {error}", hint="see --output") from error
    except OSError as error:
        raise DiskError(
            f"cannot use the journal {file}: {error.strerror}", hint="see --output"
        ) from error


def open_file(file: Path) -> sqlite3.Connection:
    """Open a copy of a journal, and see that it is sound.

    Raises:
        OutputError: it was written by a newer version.
        sqlite3.DatabaseError: it is broken.
    """
    db = _connect(file)
    (runs,) = db.execute("SELECT count(*) FROM runs").fetchone()
    if not runs:
        db.close()
        # Whatever it is: a run notes its beginning before it makes a copy.
        raise sqlite3.DatabaseError("it is empty")
    return db


def open_temporary() -> sqlite3.Connection:
    """Open a journal that ends with the run; SQLite moves it to disk by itself when it grows."""
    db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    db.execute("PRAGMA journal_mode = MEMORY")
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(_SCHEMA)
    return db


def _connect(file: Path) -> sqlite3.Connection:
    """Open or make a journal, held exclusively and found sound.

    Raises:
        sqlite3.DatabaseError: another process holds it, the disk refuses, or it is broken.
    """
    db = sqlite3.connect(file, timeout=0, check_same_thread=False, isolation_level=None)
    # Damage that SQLite does not see may leave text that is none.
    db.text_factory = _decode
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; only a power failure might.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        db.execute("BEGIN EXCLUSIVE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (sound,) = db.execute("PRAGMA quick_check(1)").fetchone()
        db.execute("COMMIT")
        if sound != "ok":
            raise sqlite3.DatabaseError(sound)
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and not version:
            raise sqlite3.DatabaseError("the file of another program")
        if version > _VERSION:
            raise OutputError(
                f"{file} was written by a newer version of this program",
                hint="update it, or choose another --output",
            )
        for later in range(version + 1, _VERSION + 1) if version else ():
            db.execute("BEGIN")
            for column in _ADDED[later]:
                db.execute(f"ALTER TABLE urls ADD COLUMN {column}")
            if later == _MORE_EXTENSIONS:
                _claim_extensions(db)
            db.execute(f"PRAGMA user_version = {later}")
            db.execute("COMMIT")
        db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
        _probe(db)
    except UnicodeDecodeError as error:
        db.close()
        # So says sqlite3 when what SQLite has to say about the damage quotes some of it.
        raise sqlite3.DatabaseError("damaged text") from error
    except BaseException:
        db.close()
        raise
    return db


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
        # The claim ?report is at odds with *report, which is a file, and /*report, a folder.
        rows = db.execute(
            "SELECT mine.owner FROM claims mine JOIN claims other "
            "ON other.key = ? || substr(mine.key, 2) WHERE substr(mine.key, 1, 1) = '?'",
            (prefix,),
        ).fetchall()
        db.executemany("UPDATE urls SET base = '', state = 0 WHERE id = ?", rows)
        db.executemany("DELETE FROM claims WHERE owner = ? AND substr(key, 1, 1) = '?'", rows)


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 for an error that is not its own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _probe(db: sqlite3.Connection) -> None:
    """Check that the tables are what they should be, which a damaged schema need not say.

    Raises:
        sqlite3.DatabaseError: they are not.
    """
    with sqlite3.connect(":memory:") as sound:
        sound.executescript(_SCHEMA)
        for table in ("urls", "claims", "runs"):
            query = f"SELECT name, type FROM pragma_table_info('{table}')"  # noqa: S608 - ours
            if db.execute(query).fetchall() != sound.execute(query).fetchall():
                raise sqlite3.DatabaseError(f"the table {table} is not as it was made")
    sound.close()


def files_of(file: Path) -> list[Path]:
    """Return the journal's file, and those that SQLite puts beside it."""
    return [file, *(file.with_name(file.name + ending) for ending in _BESIDE)]


def _set_aside(file: Path) -> Path:
    """Rename a broken journal and what belongs to it; return its new name."""
    number = 1
    while (aside := file.with_name(f"{file.name}.broken-{number}")).exists():
        number += 1
    for old, new in zip(files_of(file), files_of(aside), strict=True):
        with suppress(FileNotFoundError):
            old.rename(new)
    return aside
