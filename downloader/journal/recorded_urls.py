"""Read what an output folder's journal records, apart from any run."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from downloader.errors import DiskError, OutputError
from downloader.journal.database import (
    DATABASE_NAME,
    STATE_FOLDER,
    database_files,
    open_journal,
)
from downloader.journal.model import RowState, TargetRole
from downloader.web.filenames import SafePath, stays_within

_COLUMNS = (
    "url, state, path, coalesce(published, saved), wire, media_type, charset, final_url, "
    "finished, kind, message, withdrawn, packed_at, request, role, published IS NOT NULL"
)


class RecordedUrl(NamedTuple):
    """A URL of a journal; its attributes but the last are columns of the table ``urls``.

    The last is whether the links of its file were replaced.
    """

    url: str
    state: RowState
    path: SafePath | None
    size: int | None
    wire: int | None
    media_type: str | None
    charset: str | None
    final_url: str | None
    finished: float | None
    kind: str | None
    message: str | None
    withdrawn: bool
    packed_at: int | None
    request: str | None
    role: TargetRole
    is_rewritten: bool


def recorded_urls(root: Path) -> Iterator[RecordedUrl]:
    """Yield all URLs of the journal of the folder *root*, in the order of its rows.

    A path that leads out of the folder, or to this program's own files, is left out.

    Raises:
        BusyError: a run is using the folder.
        OutputError: the journal was written by a newer version, or it is broken.
        DiskError: it cannot be read.
    """
    with _opened(root) as db:
        try:
            for row in db.execute(f"SELECT {_COLUMNS} FROM urls ORDER BY id"):  # noqa: S608 - constants
                recorded = RecordedUrl(*row)
                is_safe = recorded.path is not None and stays_within(recorded.path)
                yield recorded._replace(
                    state=RowState(recorded.state),
                    path=recorded.path if is_safe else None,
                    withdrawn=bool(recorded.withdrawn),
                    role=TargetRole(recorded.role),
                    is_rewritten=bool(recorded.is_rewritten),
                )
        except sqlite3.Error as error:
            raise OutputError(
                f"the journal of {root} is broken", hint="run the command for that folder again"
            ) from error


@contextmanager
def _opened(root: Path) -> Iterator[sqlite3.Connection]:
    """Open the journal, or a copy of it where the disk is read-only, which SQLite cannot use."""
    with ExitStack() as stack:
        try:
            db = open_journal(root)
        except DiskError:
            copy = Path(stack.enter_context(TemporaryDirectory(prefix="download-journal-")))
            file = root / STATE_FOLDER / DATABASE_NAME
            (copy / STATE_FOLDER).mkdir()
            for each in database_files(file):
                if each.is_file() and not each.is_symlink():
                    shutil.copyfile(each, copy / STATE_FOLDER / each.name)
            db = open_journal(copy)
        yield stack.enter_context(closing(db))
