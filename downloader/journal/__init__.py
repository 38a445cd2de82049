"""What is done, partial and failed: the memory of an output folder.

One SQLite file below the folder holds, for every address that was ever seen, the name that it
alone has and what became of it; so a second run knows what is left to do. It is written in
batches, off the event loop, in WAL mode, and held exclusively, so that a second run on the same
folder is refused. A killed run loses no more than the last fraction of a second of it; what was
saved in that fraction is known by the file itself, because a name in the folder means a whole file.
"""

from downloader.journal.answers import refused
from downloader.journal.database import FOLDER, is_in
from downloader.journal.files import saved_since
from downloader.journal.frontier import role_of
from downloader.journal.ledger import Journal
from downloader.journal.merging import Merging
from downloader.journal.records import (
    Admitted,
    Alias,
    Job,
    Parked,
    Place,
    Published,
    Role,
    Saved,
    Stored,
    original,
)

__all__ = [
    "FOLDER",
    "Admitted",
    "Alias",
    "Job",
    "Journal",
    "Merging",
    "Parked",
    "Place",
    "Published",
    "Role",
    "Saved",
    "Stored",
    "is_in",
    "original",
    "refused",
    "role_of",
    "saved_since",
]
