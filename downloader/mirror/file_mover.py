"""Decides which saved files belong in the output folder, and moves the others out of it."""

from collections.abc import Sequence

from downloader.journal import (
    PublishedFile,
    SavedDocument,
    TargetRole,
    original_path,
    paths_of_texts,
)
from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.scope import Scope
from downloader.models import Options
from downloader.storage import Storage
from downloader.web.media_type_filter import MediaTypeFilter
from downloader.web.urls import Url


class FileMover:
    """Moves files between the output folder and the originals.

    A page that was only fetched for its links, and with ``--single-file`` the requisites of pages,
    are withdrawn: later runs find them among the originals and do not fetch them again.
    """

    def __init__(
        self, options: Options, storage: Storage, journal: AsyncJournal, scope: Scope
    ) -> None:
        self._storage = storage
        self._journal = journal
        self._scope = scope
        self._single_file = options.single_file
        self._types = MediaTypeFilter(options.accept_type, options.reject_type)
        #: The roles of files that may have to be withdrawn.
        self._roles: list[TargetRole] = []
        if scope.accept or scope.reject or self._types:
            self._roles = [TargetRole.LINKED, TargetRole.NEEDED, TargetRole.OPTIONAL]
        elif self._single_file:
            self._roles = [TargetRole.NEEDED, TargetRole.OPTIONAL]

    def belongs_in_folder(self, role: TargetRole, url: Url, media_type: str) -> bool:
        """Return whether the file of a URL is to be in the output folder."""
        if role is TargetRole.LISTED:
            return True
        if self._single_file and role is not TargetRole.LINKED:
            return False
        return self._scope.accepts(url) and self._types.selects(media_type)

    async def apply(self) -> None:
        """Move the files that this run has seen to where they belong."""
        row = 0
        while files := await self._journal.saved_by_role(row, self._roles):
            row = files[-1].row
            kept = {
                file.row
                for file in files
                if self.belongs_in_folder(file.role, file.address, file.media_type)
            }
            withdrawn = [file for file in files if not file.withdrawn and file.row not in kept]
            restored = [file for file in files if file.withdrawn and file.row in kept]
            for file in withdrawn:
                await self._withdraw(file)
            for file in restored:
                for path in (file.path, *paths_of_texts(file.path, file.texts)):
                    await self._storage.move(original_path(path), path)
            await self._record(withdrawn, withdrawn=True)
            await self._record(restored, withdrawn=False)

    async def _withdraw(self, file: SavedDocument) -> None:
        if file.published is None:
            await self._storage.move(file.path, original_path(file.path))
        else:
            # The original was kept when the file was rewritten.
            await self._storage.remove(file.path)
        for text in paths_of_texts(file.path, file.texts):
            await self._storage.move(text, original_path(text))
        await self._storage.remove_empty_folders(file.path)

    async def _record(self, files: Sequence[SavedDocument], *, withdrawn: bool) -> None:
        if files:
            await self._journal.record_published(
                [PublishedFile(file.row, withdrawn=withdrawn) for file in files]
            )
