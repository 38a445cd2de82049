"""Check without a browser that every local link of a mirrored folder leads to a file.

Documents are read one after another, so memory holds one of them and a bounded cache of lookups.
Nothing outside the folder is opened, neither by a symbolic link nor by a reference.
"""

from downloader.mirror.check.mirror_check import MirrorCheck
from downloader.mirror.check.mirror_folder import MAX_DOCUMENT_BYTES
from downloader.mirror.check.model import EXTERNAL, CheckTotals, DanglingLink, UnreadableFile

__all__ = [
    "EXTERNAL",
    "MAX_DOCUMENT_BYTES",
    "CheckTotals",
    "DanglingLink",
    "MirrorCheck",
    "UnreadableFile",
]
