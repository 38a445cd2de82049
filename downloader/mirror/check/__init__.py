"""Check without a browser that every local link of a mirrored folder leads to a file.

Documents are read one after another, so memory holds one of them, and the missing targets up to a
limit.
Nothing outside the folder is opened, neither by a symbolic link nor by a reference.
"""

from downloader.mirror.check.mirror_check import MirrorCheck
from downloader.mirror.check.mirror_folder import MAX_DOCUMENT_BYTES
from downloader.mirror.check.model import CheckTotals, MissingReason, MissingTarget, UnreadableFile

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "CheckTotals",
    "MirrorCheck",
    "MissingReason",
    "MissingTarget",
    "UnreadableFile",
]
