"""Journals as older versions of the program have left them."""

import sqlite3

from downloader.journal.database import _ADDED_COLUMNS


def downgrade(db: sqlite3.Connection, version: int) -> None:
    """Make a journal one of an older *version* of the schema, without the later columns."""
    added = {
        column.partition(" ")[0]
        for later, columns in _ADDED_COLUMNS.items()
        for column in columns
        if later > version
    }
    columns = db.execute(
        "SELECT name, type, iif(\"notnull\", 'NOT NULL', ''), "
        "iif(dflt_value IS NULL, '', 'DEFAULT ' || dflt_value) FROM pragma_table_info('urls')"
    ).fetchall()
    kept = [column for column in columns if column[0] not in added]
    names = ", ".join(name for name, *_ in kept)
    keys = {"id": "PRIMARY KEY", "address": "UNIQUE"}
    table = ", ".join(
        f"{name} {kind} {not_null} {keys.get(name, '')} {default}"
        for name, kind, not_null, default in kept
    )
    db.execute("ALTER TABLE urls RENAME TO newer")
    db.execute(f"CREATE TABLE urls ({table})")
    db.execute(f"INSERT INTO urls SELECT {names} FROM newer")
    db.execute("DROP TABLE newer")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
