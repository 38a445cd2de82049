"""What a person gives as the output: a folder, or the URL of an object store's prefix."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

#: How to install what S3 needs.
EXTRA = "pip install 'download-sites[cloud]'"
#: Schemes of fsspec's that mean a folder of this machine.
_LOCAL = ("file", "local")
#: One letter is a drive of Windows.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]+)://")


class Destination(NamedTuple):
    """Where files go.

    Attributes:
        folder: the local folder: of the files, or of what is at work for the store.
        remote: the URL of the prefix that whole files go to, or None.
    """

    folder: Path
    remote: str | None = None


def destination(text: str) -> Destination:
    """Return what *text* means; for a store the folder is one of the user's cache, its own.

    Raises:
        ValueError: it is a local URL with the name of another machine.
    """
    if (url := _URL.match(text)) is None:
        return Destination(Path(text))
    scheme = url.group(1).lower()
    if scheme in _LOCAL:
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
