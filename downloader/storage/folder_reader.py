"""Read saved files, through no symbolic link."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from downloader.errors import OutputError
from downloader.storage.output_folder import READ_FLAGS, OutputFolder


class FolderReader:
    """The files below a folder; safe for threads.

    Raises, on creation:
        OutputError: the folder cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self._folder = OutputFolder(root)
        try:
            self._folder.open(for_reading=True)
        except OSError as error:
            raise OutputError(f"cannot read the folder {root}: {error.strerror}") from error

    def open(self, path: str) -> BinaryIO | None:
        """Open a regular file; None if there is none, or a link on the way to it."""
        try:
            with self._folder.open_parent(path, create=False) as (folder, leaf):
                file = os.fdopen(os.open(leaf, READ_FLAGS, dir_fd=folder), "rb")
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            return None
        return file

    def close(self) -> None:
        """Close the folder."""
        self._folder.close()
