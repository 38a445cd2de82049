"""Looks whether files are there as the journal says."""

from collections.abc import Iterable, Sequence

from downloader.journal.inventory import Inventory
from downloader.journal.rows import JournalRow, RowState, SavedFile
from downloader.models import Target
from downloader.web.filenames import FileName, SafePath


class SavedFileVerifier:
    """What is there of what was saved.

    Args:
        there: the output folder, or what is in its place; None if nothing is saved.
        verify: whether a file is only believed by its hash.
        mirrors: whether what is only kept with the originals is there.
        packs: whether what is in a volume counts, and nothing else; or else only files do.
    """

    def __init__(
        self, there: Inventory | None, *, verify: bool, mirrors: bool, packs: bool = False
    ) -> None:
        self._there = there
        self._verify = verify
        self._mirrors = mirrors
        self._packs = packs

    def expect(self, rows: Iterable[JournalRow]) -> None:
        """Make ready for questions about these."""
        if self._there is not None and not self._packs:
            files = (row.file for row in rows)
            self._there.expect(file.path for file in files if file is not None)

    def is_free(self, name: FileName) -> bool:
        """Return whether it is known that nothing is there that *name* may become."""
        return self._there is not None and self._there.is_free(name)

    def is_there(self, saved: SavedFile) -> bool:
        """Return whether the file is there as it was saved."""
        if self._there is None or self._packs != (saved.packed_at is not None):
            return False
        if saved.packed_at is not None:
            size = self._there.volume(saved.path)
            # What was cut off a volume, by whatever accident, is not there.
            return size is not None and size > saved.packed_at
        received = (saved.size, saved.sha256)
        if saved.original != saved.path and not self._is_one_of([received], saved.original):
            return False
        if saved.withdrawn:
            # Only a run that mirrors puts it back where it belongs.
            return self._mirrors
        # A killed run may have noted what a file was to be, and not have replaced it.
        versions = [received, *([saved.published] if saved.published else [])]
        return self._is_one_of(versions, saved.path)

    def is_ours(self, saved: SavedFile) -> bool:
        """Return whether a file is what a mirror made, though what it was made of is lost."""
        made = saved.published
        return made is not None and self._is_one_of([made], saved.path, verify=True)

    def _is_one_of(
        self, versions: Sequence[tuple[int, bytes]], path: SafePath, *, verify: bool = False
    ) -> bool:
        """Return whether the file at *path* is one of *versions*, which are sizes and hashes."""
        found = self._there.size(path) if self._there is not None else None
        if self._there is None or found is None or all(found != size for size, _ in versions):
            return False
        if not (verify or self._verify) or not all(sha256 for _, sha256 in versions):
            return True
        return self._there.digest(path, "sha256") in [sha256 for _, sha256 in versions]

    def promised_otherwise(self, target: Target, saved: SavedFile) -> bool:
        """Return whether the list now promises another body than the one that is there."""
        promise = target.checksum
        if promise is None or self._there is None:
            return False
        if promise.algorithm == "sha256" and saved.sha256:
            return promise.digest != saved.sha256.hex()
        if saved.packed_at is not None:
            # It was held against its promise when it came.
            return False
        return promise.digest != self._there.digest(saved.original, promise.algorithm).hex()

    def orphan(self, row: JournalRow) -> tuple[SavedFile, float] | None:
        """Return the file that a killed run saved after its last note, and when.

        It is known by having come to be after its name was claimed: what was there before is not
        ours.
        """
        if row.state != RowState.CLAIMED or self._there is None or self._packs:
            return None
        for found in self._there.grown(row.name):
            if found.since >= row.admitted:
                sha256 = self._there.digest(found.path, "sha256")
                return SavedFile(found.path, found.size, sha256, "", "", None), found.since
        return None
