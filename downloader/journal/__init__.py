"""What is done, partial and failed: the memory of an output folder.

One SQLite file below the folder holds, for every address that was ever seen, the name that it
alone has and what became of it; so a second run knows what is left to do. It is written in
batches, off the event loop, in WAL mode, and held exclusively, so that a second run on the same
folder is refused. A killed run loses no more than the last fraction of a second of it; what was
saved in that fraction is known by the file itself, because a name in the folder means a whole file.
"""

from downloader.journal.database import FOLDER, is_in
from downloader.journal.frontier import role_of
from downloader.journal.immediate_outcomes import refused
from downloader.journal.journal import Journal
from downloader.journal.merging import JournalMerger
from downloader.journal.rows import (
    Admitted,
    Alias,
    FileLocation,
    Job,
    PartialFile,
    PublishedFile,
    SavedDocument,
    SavedFile,
    TargetRole,
    original,
)
from downloader.journal.saved_files import saved_since

__all__ = [
    "FOLDER",
    "Admitted",
    "Alias",
    "FileLocation",
    "Job",
    "Journal",
    "JournalMerger",
    "PartialFile",
    "PublishedFile",
    "SavedDocument",
    "SavedFile",
    "TargetRole",
    "is_in",
    "original",
    "refused",
    "role_of",
    "saved_since",
]
