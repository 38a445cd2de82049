"""Merges output folders into one, files and journals, and reports what cannot be merged."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from downloader import archive
from downloader.cli.outcome_lines import count, outcome_line
from downloader.errors import BlockedError, OutputError
from downloader.journal import JournalMerger, has_journal
from downloader.models import ExitStatus
from downloader.storage import FolderCopy
from downloader.web.filenames import SafePath
from downloader.web.text import printable


def run_merge_folders(folders: Sequence[Path], output: Path, *, quiet: bool = False) -> ExitStatus:
    """Copy *folders*, files and journals, into *output*; they stay as they are.

    URLs that cannot be merged go to stderr, the summary to stdout.

    Raises:
        OutputError: a folder is not an output folder, or a run is using it.
        DiskError: a disk failed.
    """
    _check_folders(folders, output)
    with FolderCopy(folders[0], output):
        # It creates the output folder, which the journal needs.
        pass
    with closing(JournalMerger(output)) as merger:
        for folder in folders:
            with FolderCopy(folder, output) as copying:
                for conflict in merger.merge(folder, _FileMerger(copying, folder)):
                    click.echo(outcome_line(conflict, output), err=True)
        for warning in merger.warnings:
            click.echo(printable(f"download: {warning}"), err=True)
        counts = merger.counts
    if not quiet:
        click.echo(
            f"{count(len(folders), 'folder')}: {count(counts.merged, 'URL')} merged, "
            f"{counts.known} already known, {counts.conflicts} left out"
        )
    return ExitStatus.SOME_FAILED if counts.conflicts else ExitStatus.DONE


def _check_folders(folders: Sequence[Path], output: Path) -> None:
    """Raise ``OutputError`` for a folder that cannot be merged into *output*."""
    for folder in folders:
        if not folder.is_dir():
            raise OutputError(f"{folder} is not a folder", hint="name output folders to merge")
        if output.exists() and folder.samefile(output):
            raise OutputError(f"{folder} is the folder to merge into", hint="see --output")
        if not has_journal(folder):
            raise OutputError(
                f"{folder} is not an output folder of this program",
                hint="name output folders to merge",
            )


class _FileMerger:
    """Copies the files of one folder into the merged one; a pack volume with its index.

    A volume is copied once, and not for each URL in it. If the merged folder has another volume of
    that name, it is not copied, because the journal refers to volumes by their names.
    """

    def __init__(self, copying: FolderCopy, folder: Path) -> None:
        self._copying = copying
        self._folder = folder
        self._volume_errors: dict[SafePath, BlockedError | None] = {}

    def __call__(self, path: SafePath) -> None:
        """Copy one file.

        Raises:
            BlockedError: it is a volume, and the merged folder has another one of that name.
        """
        index = archive.pack_index_path(path)
        if index is None:
            self._copying.copy(path)
            return
        if path not in self._volume_errors:
            self._volume_errors[path] = self._copy_volume(path, index)
        if (error := self._volume_errors[path]) is not None:
            raise BlockedError(error.message, hint="merge it into another folder")

    def _copy_volume(self, path: SafePath, index: SafePath) -> BlockedError | None:
        """Copy a volume and its index; return why it cannot be copied, or None."""
        try:
            self._copying.copy(path, back_up=False)
        except BlockedError as error:
            return error
        if (self._folder / index).is_file():
            self._copying.copy(index)
        return None
