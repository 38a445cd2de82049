"""Check that saved files still exist as the journal recorded them."""

from collections.abc import Iterable, Sequence

from downloader.journal.inventory import Inventory
from downloader.journal.model import JournalRow, RowState, SavedFile, text_formats
from downloader.models import Target, TextFormat
from downloader.web.filenames import FileName, SafePath
from downloader.web.media_types import PAGE_TYPES, guess_media_type
from downloader.web.text_names import text_path

#: The states of a URL whose file a killed run may have saved.
_UNFINISHED = (RowState.CLAIMED, RowState.SENT)


class SavedFileVerifier:
    """Compares the journal's rows with the files of the output folder.

    Args:
        inventory: the files or objects; None if nothing is saved.
        verify_hashes: whether a file is compared by its hash, and not by its size alone.
        mirrors: whether withdrawn files count as saved.
        packs: whether only bodies in volumes count as saved; otherwise only files do.
    """

    def __init__(
        self,
        inventory: Inventory | None,
        *,
        verify_hashes: bool,
        mirrors: bool,
        packs: bool = False,
    ) -> None:
        self._inventory = inventory
        self._verify_hashes = verify_hashes
        self._mirrors = mirrors
        self._packs = packs

    def prefetch(self, rows: Iterable[JournalRow]) -> None:
        """Prepare for checks of these rows."""
        if self._inventory is not None and not self._packs:
            files = (row.file for row in rows)
            self._inventory.prefetch(file.path for file in files if file is not None)

    def is_name_free(self, name: FileName) -> bool:
        """Return whether it is known that no file exists that *name* may become."""
        return self._inventory is not None and self._inventory.is_name_free(name)

    def is_intact(self, saved: SavedFile) -> bool:
        """Return whether the file exists as it was saved."""
        if self._inventory is None or self._packs != (saved.packed_at is not None):
            return False
        if saved.packed_at is not None:
            size = self._inventory.volume_size(saved.path)
            # A volume may have been truncated by an accident.
            return size is not None and size > saved.packed_at
        received = (saved.size, saved.sha256)
        if saved.original_path != saved.path and not self._matches_any(
            [received], saved.original_path
        ):
            return False
        if saved.withdrawn:
            # Only a mirror moves the original back to its path.
            return self._mirrors
        # A killed run may have recorded the rewritten content and not have written it.
        versions = [received, *([saved.published] if saved.published else [])]
        return self._matches_any(versions, saved.path)

    def missing_texts(
        self, row: JournalRow, saved: SavedFile, wanted: Sequence[TextFormat]
    ) -> tuple[TextFormat, ...]:
        """Return the formats in which the text of a saved page is wanted and not there.

        There is none for what is no page, and for what a pack or an archive of originals holds.
        """
        if not wanted or self._inventory is None or saved.packed_at is not None or saved.withdrawn:
            return ()
        if (row.media_type or guess_media_type(saved.path)) not in PAGE_TYPES:
            return ()
        present = {
            each
            for each in text_formats(row.texts)
            if self._inventory.size(text_path(saved.path, each)) is not None
        }
        return tuple(each for each in wanted if each not in present)

    def is_rewritten(self, saved: SavedFile) -> bool:
        """Return whether the file is what a mirror wrote, although its original is lost."""
        published = saved.published
        return published is not None and self._matches_any(
            [published], saved.path, verify_hashes=True
        )

    def _matches_any(
        self, versions: Sequence[tuple[int, bytes]], path: SafePath, *, verify_hashes: bool = False
    ) -> bool:
        """Return whether the file at *path* is one of *versions*, (size, SHA-256) pairs."""
        size = self._inventory.size(path) if self._inventory is not None else None
        if self._inventory is None or size is None or all(size != other for other, _ in versions):
            return False
        if not (verify_hashes or self._verify_hashes) or not all(sha256 for _, sha256 in versions):
            return True
        return self._inventory.digest(path, "sha256") in [sha256 for _, sha256 in versions]

    def has_other_checksum(self, target: Target, saved: SavedFile) -> bool:
        """Return whether the list gives *target* a checksum that the saved body does not have."""
        checksum = target.checksum
        if checksum is None or self._inventory is None:
            return False
        if checksum.algorithm == "sha256" and saved.sha256:
            return checksum.digest != saved.sha256.hex()
        if saved.packed_at is not None:
            # Its checksum was verified when it was received.
            return False
        digest = self._inventory.digest(saved.original_path, checksum.algorithm)
        return checksum.digest != digest.hex()

    def find_unrecorded_file(self, row: JournalRow) -> tuple[SavedFile, float] | None:
        """Return the file that a killed run saved without recording it, and when, or None.

        It is newer than the claim of its name; an older file of that name is another's.
        """
        if row.state not in _UNFINISHED or self._inventory is None or self._packs:
            return None
        for file in self._inventory.possible_files(row.name):
            if file.newest >= row.admitted:
                sha256 = self._inventory.digest(file.path, "sha256")
                return SavedFile(file.path, file.size, sha256, "", "", None), file.newest
        return None
