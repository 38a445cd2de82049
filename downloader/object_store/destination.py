"""The ``--output`` of the command line: a folder, or the URL of a prefix in an object store."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

#: How to install the packages that S3 needs.
INSTALL_HINT = "pip install 'download-sites[cloud]'"
#: fsspec's schemes for folders of this machine.
_LOCAL_SCHEMES = ("file", "local")
#: A scheme has at least two characters; one letter is a drive of Windows.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]+)://")


class Destination(NamedTuple):
    """The destination of saved files.

    Attributes:
        folder: the output folder; for an object store, its work folder on this machine.
        remote: the URL of the prefix that complete files are uploaded to, or None.
    """

    folder: Path
    remote: str | None = None


def parse_destination(text: str) -> Destination:
    """Parse an output; the work folder of an object store is in the user's cache folder.

    Raises:
        ValueError: it is a ``file:`` URL with the name of another machine.
    """
    if (url := _URL.match(text)) is None:
        return Destination(Path(text))
    scheme = url.group(1).lower()
    if scheme in _LOCAL_SCHEMES:
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise ValueError("a local URL has three slashes: file:///folder")
        # Most outputs are plain folders, and this takes a while to import.
        from urllib.request import url2pathname

        return Destination(Path(url2pathname(parts.path)))
    import platformdirs

    remote = f"{scheme}://" + text[url.end() :].rstrip("/")
    name = hashlib.blake2b(remote.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return Destination(platformdirs.user_cache_path("download") / "remote" / name, remote)
