"""What a safe file name is."""

import re

from downloader.web.filenames import SafePath, fold
from downloader.web.media_types import media_type_table
from downloader.web.path_parts import PART
from downloader.web.text import printable

MEDIA_TYPES = [*media_type_table().extensions, "", "application/octet-stream"]


#: Names that Windows keeps for devices, with or without an extension (see os.path.isreserved).
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)


def assert_safe(path: SafePath) -> None:
    """Fail unless *path* is a name inside its folder that every common file system takes."""
    parts = path.split("/")
    assert not parts[0].startswith(".")
    assert len(path.encode()) < 2000
    for part in parts:
        assert part not in ("", ".", "..")
        assert printable(part) == part
        assert not set(part) & set('\\:*?"<>|')
        assert not _DEVICE.match(part)
        assert not part.endswith((" ", "."))
        assert not fold(part).endswith(PART)
        assert len((part + PART).encode()) <= 255
