"""Has only those files stand in the folder that the user wants there."""

from collections.abc import Sequence

from downloader.journal import PublishedFile, SavedDocument, TargetRole, original_path
from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.scope import Scope
from downloader.models import MirrorOptions
from downloader.storage import Storage
from downloader.web.urls import Url


class OriginalsArranger:
    """Moves what is not to stand in the folder to the originals, and back what is.

    A page that was only read for its links, and with ``--single-file`` what pages need: later
    runs know it, and do not fetch it again.
    """

    def __init__(
        self, options: MirrorOptions, storage: Storage, notes: AsyncJournal, scope: Scope
    ) -> None:
        self._storage = storage
        self._notes = notes
        self._scope = scope
        self._single = options.single_file
        self._roles: list[TargetRole] = []
        if scope.accept or scope.reject:
            self._roles = [TargetRole.LINKED, TargetRole.NEEDED, TargetRole.OPTIONAL]
        elif self._single:
            self._roles = [TargetRole.NEEDED, TargetRole.OPTIONAL]

    async def arrange(self) -> None:
        """Move what this run has seen to where it is to be."""
        row = 0
        while files := await self._notes.saved_by_role(row, self._roles):
            row = files[-1].row
            kept = {each.row: self.keeps(each.role, each.address) for each in files}
            withdraw = [each for each in files if not each.withdrawn and not kept[each.row]]
            restore = [each for each in files if each.withdrawn and kept[each.row]]
            for each in withdraw:
                await self._withdraw(each)
            for each in restore:
                await self._storage.move(original_path(each.path), each.path)
            await self._note(withdraw, withdrawn=True)
            await self._note(restore, withdrawn=False)

    def keeps(self, role: TargetRole, address: Url) -> bool:
        """Return whether the file of an address is to stand in the folder."""
        if role is TargetRole.LISTED:
            return True
        if self._single and role is not TargetRole.LINKED:
            return False
        return self._scope.accepts(address)

    async def _withdraw(self, stored: SavedDocument) -> None:
        if stored.published is None:
            await self._storage.move(stored.path, original_path(stored.path))
        else:
            await self._storage.remove(stored.path)
        await self._storage.remove_empty_folders(stored.path)

    async def _note(self, files: Sequence[SavedDocument], *, withdrawn: bool) -> None:
        if files:
            await self._notes.record_published(
                [PublishedFile(each.row, withdrawn=withdrawn) for each in files]
            )
