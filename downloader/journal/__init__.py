"""The SQLite journal of an output folder: the state and the file name of every URL.

The database holds a row for every URL that was ever seen, with the file name that it alone has and
its last outcome, so that a second run knows what is left to do. One thread writes it in batches, in
WAL mode. It is locked exclusively, so that a second run in the same folder is refused. A killed run
loses the records of the last fraction of a second; the files that it saved in that time are found
by their names, because a name in the folder means a whole file.
"""

from downloader.journal.database import STATE_FOLDER, has_journal
from downloader.journal.filesystem import find_saved_since
from downloader.journal.frontier import role_of
from downloader.journal.journal import Journal
from downloader.journal.merger import JournalMerger
from downloader.journal.model import (
    AdmissionResult,
    FileLocation,
    Job,
    PartialFile,
    PublishedFile,
    Redirect,
    RowState,
    SavedDocument,
    SavedFile,
    SavedPage,
    Submission,
    TargetRole,
    original_path,
    paths_of_texts,
)
from downloader.journal.outcome_writer import JournalEntry
from downloader.journal.recorded_urls import RecordedUrl, recorded_urls
from downloader.journal.unfetched_outcomes import failed_outcome, skipped_outcome

__all__ = [
    "STATE_FOLDER",
    "AdmissionResult",
    "FileLocation",
    "Job",
    "Journal",
    "JournalEntry",
    "JournalMerger",
    "PartialFile",
    "PublishedFile",
    "RecordedUrl",
    "Redirect",
    "RowState",
    "SavedDocument",
    "SavedFile",
    "SavedPage",
    "Submission",
    "TargetRole",
    "failed_outcome",
    "find_saved_since",
    "has_journal",
    "original_path",
    "paths_of_texts",
    "recorded_urls",
    "role_of",
    "skipped_outcome",
]
