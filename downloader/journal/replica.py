"""The copy of the journal that stands beside the objects, so that another machine can go on.

It is made now and then, and fetched when it is not the one that the journal here goes on from.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from downloader.errors import BusyError, DiskError
from downloader.journal.database import FILE, FOLDER, files_of, open_file
from downloader.object_store.protocol import ObjectStore
from downloader.web.filenames import SafePath

#: Where the copy is, below the prefix.
KEY = SafePath(f"{FOLDER}/{FILE}")
_FETCHED = "fetched.sqlite3"
_MADE = "copy.sqlite3"
_MARKS = "copy.json"


@dataclass(frozen=True, slots=True)
class _ReplicaVersions:
    """What is known here of the copy; it outlives the run.

    Attributes:
        seen: the mark that the store gave the last one that was fetched or made here.
        sent: the hash of the last one that was made here, noted before it was sent.
    """

    seen: str = ""
    sent: str = ""


class JournalReplica:
    """The copy of the journal of one prefix.

    Args:
        bucket: the prefix.
        root: the work folder.
    """

    def __init__(self, bucket: ObjectStore, root: Path) -> None:
        self._bucket = bucket
        self._folder = root / FOLDER
        self._marks = _read(self._folder / _MARKS)

    def restore(self, db: sqlite3.Connection, warnings: list[str]) -> None:
        """Have *db* hold what the copy does, if that was not made from it.

        Raises:
            StoreError: the store refuses.
            OutputError: it was written by a newer version.
        """
        there = self._bucket.info(KEY)
        if there is None:
            self._note(_ReplicaVersions())
            return
        # One that was broken, and set aside, knows nothing any more.
        (known,) = db.execute("SELECT count(*) FROM runs").fetchone()
        if known and there.etag == self._marks.seen:
            return
        file = self._folder / _FETCHED
        try:
            _remove_all(file)
            self._bucket.download(KEY, file)
            # A killed run may have sent it and not have learnt its mark.
            if not known or self._marks.sent != _hash(file):
                with closing(open_file(file)) as copy:
                    copy.backup(db)
        except sqlite3.Error as error:
            warnings.append(
                f"the copy of the journal in {self._bucket.display_url} is broken ({error}); "
                "what is there is fetched again and compared"
            )
        finally:
            _remove_all(file)
        self._note(_ReplicaVersions(there.etag, self._marks.sent))

    def make(self, db: sqlite3.Connection) -> None:
        """Make a consistent copy here, for :meth:`send`; *db* goes on meanwhile.

        Raises:
            DiskError: there is no room for it.
        """
        file = self._folder / _MADE
        _remove(file)
        try:
            db.execute("VACUUM INTO ?", (str(file),))
        except sqlite3.Error as error:
            raise DiskError(f"cannot copy the journal: {error}", hint="see --output") from error

    def send(self) -> None:
        """Send what was made; it may be called in another thread.

        Raises:
            BusyError: another run has sent its own meanwhile.
            StoreError: the store refuses.
        """
        file = self._folder / _MADE
        there = self._bucket.info(KEY)
        if (there.etag if there else "") != self._marks.seen:
            raise BusyError(
                f"another run is writing to {self._bucket.display_url}",
                hint="let it finish, then run this one again",
            )
        self._note(_ReplicaVersions(self._marks.seen, _hash(file)))
        self._bucket.upload(file, KEY)
        sent = self._bucket.info(KEY)
        self._note(_ReplicaVersions(sent.etag if sent else "", self._marks.sent))
        _remove(file)

    def _note(self, marks: _ReplicaVersions) -> None:
        if marks == self._marks:
            return
        self._marks = marks
        file = self._folder / _MARKS
        new = file.with_suffix(".new")

        def write() -> None:
            new.write_text(json.dumps(asdict(marks)), encoding="utf-8")
            new.replace(file)

        _on_disk(file, write)


def _read(file: Path) -> _ReplicaVersions:
    """Return what was noted; nothing where that is missing or damaged."""
    with suppress(OSError, ValueError, TypeError):
        return _ReplicaVersions(**json.loads(file.read_text(encoding="utf-8")))
    return _ReplicaVersions()


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remove_all(file: Path) -> None:
    """Remove a journal, and what belongs to it: it must not be taken for that of the next one."""
    for one in files_of(file):
        _remove(one)


def _remove(file: Path) -> None:
    _on_disk(file, lambda: file.unlink(missing_ok=True))


def _on_disk(file: Path, work: Callable[[], None]) -> None:
    """Do *work*.

    Raises:
        DiskError: the disk refuses.
    """
    try:
        work()
    except OSError as error:
        raise DiskError(f"cannot write {file}: {error.strerror}", hint="see --output") from error
