"""Look up in a journal, without changing it, why a URL was not saved."""

import re
import sqlite3
from contextlib import suppress
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.journal.database import DATABASE_NAME, STATE_FOLDER
from downloader.journal.model import RowState, key_of
from downloader.web.urls import Url, without_credentials

#: Steps of SQLite's machine for all lookups together: somebody else may have made the journal.
_MAX_THOUSANDS_OF_STEPS = 100_000
_STATUS = re.compile(r"[1-5][0-9]{2}(?![0-9])")
_SELECT = "SELECT kind, message FROM urls WHERE address = ? AND state = ?"


class RecordedFailures:
    """The failures that the journal of an output folder has recorded; none if it has no journal."""

    def __init__(self, folder: Path) -> None:
        self._database: sqlite3.Connection | None = None
        self._remaining = _MAX_THOUSANDS_OF_STEPS
        file = folder.resolve() / STATE_FOLDER / DATABASE_NAME
        if file.is_symlink() or not file.is_file():
            return
        with suppress(sqlite3.Error):
            self._database = sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._database.set_progress_handler(self._is_exhausted, 1000)

    def _is_exhausted(self) -> bool:
        self._remaining -= 1
        return self._remaining < 0

    def status(self, url: Url) -> int | None:
        """Return the HTTP status other than success that *url* was answered with, if any."""
        if self._database is None:
            return None
        try:
            row = self._database.execute(
                _SELECT, (key_of(without_credentials(url)[0]), RowState.FAILED)
            ).fetchone()
        except sqlite3.Error:
            return None
        if row is None or row[0] != ErrorKind.HTTP_STATUS:
            return None
        match = _STATUS.match(str(row[1]))
        return int(match[0]) if match else None

    def close(self) -> None:
        """Close the journal."""
        if self._database is not None:
            self._database.close()
