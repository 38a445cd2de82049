"""What ``--merge`` does: the folders of several shards become one, and one line for what cannot."""

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
    """Take what *folders* hold into *output*, files and journals, and leave them as they are.

    What cannot be taken in goes to stderr, the summary to stdout.

    Raises:
        OutputError: one of the folders is none of this program, or a run is using it.
        DiskError: the disk refuses.
    """
    for folder in folders:
        if not folder.is_dir():
            raise OutputError(f"{folder} is no folder", hint="--merge takes output folders")
        if output.exists() and folder.samefile(output):
            raise OutputError(f"{folder} is the folder to merge into", hint="see --output")
        if not has_journal(folder):
            raise OutputError(f"{folder} is no output folder of this program", hint="see --merge")
    with FolderCopy(folders[0], output):
        # Before there is a journal, there has to be the folder.
        pass
    with closing(JournalMerger(output)) as merger:
        for folder in folders:
            with FolderCopy(folder, output) as copying:
                for clash in merger.merge(folder, _MergedFolder(copying, folder)):
                    click.echo(outcome_line(clash, output), err=True)
        for warning in merger.warnings:
            click.echo(printable(f"download: {warning}"), err=True)
        counts = merger.counts
    if not quiet:
        click.echo(
            f"{count(len(folders), 'folder')}: {count(counts.merged, 'URL')} taken in, "
            f"{counts.known} known already, {counts.conflicts} left out"
        )
    return ExitStatus.SOME_FAILED if counts.conflicts else ExitStatus.DONE


class _MergedFolder:
    """Has files of another folder in the merged one, and with the volume of a pack its index.

    A volume is placed once, and not once for each address in it: it may have to be copied. One
    whose name another volume has stays where it is, because addresses are known by that name.
    """

    def __init__(self, copying: FolderCopy, folder: Path) -> None:
        self._copying = copying
        self._folder = folder
        self._volumes: dict[SafePath, BlockedError | None] = {}

    def __call__(self, path: SafePath) -> None:
        """Have one file there."""
        index = archive.pack_index_path(path)
        if index is None:
            self._copying.copy(path)
            return
        if path not in self._volumes:
            self._volumes[path] = self._refused(path, index)
        if (refused := self._volumes[path]) is not None:
            raise BlockedError(refused.message, hint="merge it into another folder")

    def _refused(self, path: SafePath, index: SafePath) -> BlockedError | None:
        try:
            self._copying.copy(path, back_up=False)
        except BlockedError as error:
            return error
        if (self._folder / index).is_file():
            self._copying.copy(index)
        return None
