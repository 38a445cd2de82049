"""Looks whether files are there as the journal says."""

from collections.abc import Sequence
from pathlib import Path

from downloader.journal.files import CLOCK_SLACK, digest, grown, is_solid, regular
from downloader.journal.records import Row, Saved, State
from downloader.models import Target
from downloader.paths import SafePath

#: Of so many folders it is remembered that no link leads to them.
_MOST_FOLDERS = 1000


class Evidence:
    """The files of an output folder.

    Args:
        root: the folder; None if nothing is saved.
        verify: whether a file is only believed by its hash.
        mirrors: whether what is only kept with the originals is there.
        packs: whether what is in a volume counts, and nothing else; or else only files do.
    """

    def __init__(
        self, root: Path | None, *, verify: bool, mirrors: bool, packs: bool = False
    ) -> None:
        self._root = root
        self._verify = verify
        self._mirrors = mirrors
        self._packs = packs
        self._solid: dict[str, bool] = {}

    def is_there(self, saved: Saved) -> bool:
        """Return whether the file is there as it was saved."""
        if self._root is None or self._packs != (saved.packed_at is not None):
            return False
        if saved.packed_at is not None:
            volume = regular(f"{self._root}/{saved.path}")
            # What was cut off a volume, by whatever accident, is not there.
            return volume is not None and volume.st_size > saved.packed_at
        received = (saved.size, saved.sha256)
        if saved.original != saved.path and not self._is_one_of([received], saved.original):
            return False
        if saved.withdrawn:
            # Only a run that mirrors puts it back where it belongs.
            return self._mirrors
        # A killed run may have noted what a file was to be, and not have replaced it.
        versions = [received, *([saved.published] if saved.published else [])]
        return self._is_one_of(versions, saved.path)

    def is_ours(self, saved: Saved) -> bool:
        """Return whether a file is what a mirror made, though what it was made of is lost."""
        made = saved.published
        return made is not None and self._is_one_of([made], saved.path, verify=True)

    def _is_one_of(
        self, versions: Sequence[tuple[int, bytes]], path: SafePath, *, verify: bool = False
    ) -> bool:
        """Return whether the file at *path* is one of *versions*, which are sizes and hashes."""
        if self._root is None:
            return False
        folder = path.rpartition("/")[0]
        if folder not in self._solid:
            if len(self._solid) >= _MOST_FOLDERS:
                self._solid.clear()
            self._solid[folder] = is_solid(self._root, folder)
        found = regular(f"{self._root}/{path}") if self._solid[folder] else None
        if found is None or all(found.st_size != size for size, _ in versions):
            return False
        if not (verify or self._verify) or not all(sha256 for _, sha256 in versions):
            return True
        return digest(self._root / path, "sha256") in [sha256 for _, sha256 in versions]

    def promised_otherwise(self, target: Target, saved: Saved) -> bool:
        """Return whether the list now promises another body than the one that is there."""
        promise = target.checksum
        if promise is None or self._root is None:
            return False
        if promise.algorithm == "sha256" and saved.sha256:
            return promise.digest != saved.sha256.hex()
        if saved.packed_at is not None:
            # It was held against its promise when it came.
            return False
        return promise.digest != digest(self._root / saved.original, promise.algorithm).hex()

    def orphan(self, row: Row) -> tuple[Saved, float] | None:
        """Return the file that a killed run saved after its last note, and when.

        It is known by having come to be after its name was claimed: what was there before is not
        ours.
        """
        if row.state != State.CLAIMED or self._root is None or self._packs:
            return None
        for path, found in grown(self._root, row.name):
            if found.st_ctime < row.admitted - CLOCK_SLACK:
                continue
            sha256 = digest(self._root / path, "sha256")
            return Saved(path, found.st_size, sha256, "", "", None), found.st_ctime
        return None
