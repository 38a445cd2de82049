"""Save bodies under ``.part`` names, and rename each file once it is whole.

Bytes are written to ``NAME.part``, which is renamed once the caller has verified that they are
complete. Files are opened relative to the descriptor of the output folder, one path component at a
time and never through a symbolic link, so that no link planted in the folder can redirect a write.
"""

from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.folder_copy import FolderCopy
from downloader.storage.folder_reader import FolderReader
from downloader.storage.local_storage import LocalStorage
from downloader.storage.object_storage import VolumeUploader
from downloader.storage.open_storage import create_output_folder, open_storage
from downloader.storage.storage import FileContents, PartFile, Storage

__all__ = [
    "FileContents",
    "FolderCopy",
    "FolderReader",
    "LocalStorage",
    "PartFile",
    "PublishOptions",
    "Storage",
    "VolumeUploader",
    "create_output_folder",
    "open_storage",
]
