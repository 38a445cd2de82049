"""What the pages of a folder share, packed once for all of them."""

from collections import OrderedDict

from downloader.links import LinkKind
from downloader.mirror.singlefile.model import MIB, PackedFile

#: A file, what it is used for, and whether as the markup of a frame.
Key = tuple[str, LinkKind, bool]


class PackedFileCache:
    """Packed files, those that were used last, of so many characters together."""

    def __init__(self, most: int = 64 * MIB) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Key, PackedFile] = OrderedDict()

    def get(self, key: Key) -> PackedFile | None:
        """Return what was kept."""
        packed = self._kept.get(key)
        if packed is not None:
            self._kept.move_to_end(key)
        return packed

    def put(self, key: Key, packed: PackedFile) -> None:
        """Keep a packed file; what takes a quarter of the room is not kept."""
        size = _size(packed)
        if key in self._kept or size > self._most // 4:
            return
        self._kept[key] = packed
        self._size += size
        while self._size > self._most:
            self._size -= _size(self._kept.popitem(last=False)[1])


def _size(packed: PackedFile) -> int:
    return len(packed.text) + 1000 + 200 * (len(packed.inlined) + len(packed.left))
