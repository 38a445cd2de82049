"""Save files so that a name in the output folder means a whole file.

Bytes go to ``NAME.part`` and are renamed when the caller says that they are all there. Files are
reached from the folder's own descriptor, component by component, never through a symbolic link,
so nothing planted in the folder can lead a write out of it.
"""

from downloader.storage.copying import Copying
from downloader.storage.nowhere import prepare, storage_for
from downloader.storage.part import PartFile
from downloader.storage.publish import Publish
from downloader.storage.remote import Handover
from downloader.storage.saving import Contents, Storage

__all__ = [
    "Contents",
    "Copying",
    "Handover",
    "PartFile",
    "Publish",
    "Storage",
    "prepare",
    "storage_for",
]
