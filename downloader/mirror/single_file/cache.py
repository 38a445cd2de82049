"""A cache of packed files, which the pages of a folder share."""

from collections import OrderedDict

from downloader.links import LinkKind
from downloader.mirror.single_file.model import MIB, PackedFile

#: A path, the kind of the link to it, and whether it is packed as the markup of a frame.
PackedFileKey = tuple[str, LinkKind, bool]


class PackedFileCache:
    """The most recently used packed files, of at most *max_characters* together."""

    def __init__(self, max_characters: int = 64 * MIB) -> None:
        self._max_characters = max_characters
        self._characters = 0
        self._files: OrderedDict[PackedFileKey, PackedFile] = OrderedDict()

    def get(self, key: PackedFileKey) -> PackedFile | None:
        """Return a cached file."""
        packed = self._files.get(key)
        if packed is not None:
            self._files.move_to_end(key)
        return packed

    def put(self, key: PackedFileKey, packed: PackedFile) -> None:
        """Cache a file, unless it takes more than a quarter of the cache."""
        size = _size(packed)
        if key in self._files or size > self._max_characters // 4:
            return
        self._files[key] = packed
        self._characters += size
        while self._characters > self._max_characters:
            self._characters -= _size(self._files.popitem(last=False)[1])


def _size(packed: PackedFile) -> int:
    paths = len(packed.inlined) + len(packed.external_references)
    return len(packed.text) + 1000 + 200 * paths
