"""Save files so that a name in the output folder means a whole file.

Bytes go to ``NAME.part`` and are renamed when the caller says that they are all there. Files are
reached from the folder's own descriptor, component by component, never through a symbolic link,
so nothing planted in the folder can lead a write out of it.
"""

from downloader.storage.folder_copy import FolderCopy
from downloader.storage.null_storage import prepare, storage_for
from downloader.storage.object_storage import VolumeUploader
from downloader.storage.part_file import PartFile
from downloader.storage.publish import PublishOptions
from downloader.storage.storage import FileContents, Storage

__all__ = [
    "FileContents",
    "FolderCopy",
    "PartFile",
    "PublishOptions",
    "Storage",
    "VolumeUploader",
    "prepare",
    "storage_for",
]
