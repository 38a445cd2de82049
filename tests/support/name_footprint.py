"""What the files of a name take on a file system, to check that no two names share a file."""

import dataclasses
import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Self

from downloader.web.filenames import FileName, SafePath
from downloader.web.path_parts import PART
from tests.support.safe_names import MEDIA_TYPES, assert_safe


def _same(path: str) -> str:
    """Return what canonical caseless matching compares (Unicode standard, D145)."""
    folded = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFD", folded)


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What the paths of one name take, as the least discerning file system sees them."""

    files: set[str]
    folders: set[str]

    @classmethod
    def of(cls, paths: Iterable[SafePath]) -> Self:
        files, folders = set[str](), set[str]()
        for path in paths:
            assert_safe(path)
            files |= {_same(path), _same(path + PART)}
            parents = itertools.accumulate(path.split("/")[:-1], "{}/{}".format)
            folders |= {_same(folder) for folder in parents}
        return cls(files, folders)


def assert_never_shared(names: Sequence[FileName | None]) -> None:
    """Fail if any content types could make two of *names* one file, or one the other's folder."""
    taken = [
        Footprint.of({name.path(media_type) for media_type in MEDIA_TYPES})
        for name in names
        if name is not None
    ]
    for one, other in itertools.combinations(taken, 2):
        assert not one.files & other.files
        assert not one.files & other.folders
        assert not one.folders & other.files
