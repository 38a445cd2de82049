"""Relative URLs between files of the output folder. Pure."""

from functools import lru_cache
from urllib.parse import quote

from downloader.web.filenames import SafePath

#: Characters without a meaning in paths of ``http:`` and ``file:``, which need no escape in CSS.
_SAFE = "/@=&,+!$;~"
#: Size of the cache: the pages of a folder refer to the same files.
_MAX_CACHED_URLS = 2048


def relative_url(source: SafePath, target: SafePath) -> str:
    """Return the relative URL by which the file *source* refers to *target*.

    >>> relative_url("a.example/b/c.html", "a.example/d%20/e f.png")
    '../d%2520/e%20f.png'
    """
    return _relative_to_folder(source.rpartition("/")[0], target)


@lru_cache(_MAX_CACHED_URLS)
def _relative_to_folder(folder: str, target: SafePath) -> str:
    source_folders = folder.split("/") if folder else []
    target_parts = target.split("/")
    common = 0
    while (
        common < len(source_folders)
        and common < len(target_parts) - 1
        and source_folders[common] == target_parts[common]
    ):
        common += 1
    path = "/".join([".."] * (len(source_folders) - common) + target_parts[common:])
    return quote(path, safe=_SAFE)
