"""Relative URLs between files of the output folder. Pure."""

from functools import lru_cache
from urllib.parse import quote

from downloader.web.filenames import SafePath

#: Characters without a meaning in paths of ``http:`` and ``file:``, which need no escape in CSS.
_SAFE = "/@=&,+!$;~"


@lru_cache
def relative_url(source: SafePath, target: SafePath) -> str:
    """Return the relative URL by which the file *source* refers to *target*.

    >>> relative_url("a.example/b/c.html", "a.example/d%20/e f.png")
    '../d%2520/e%20f.png'
    """
    source_folders, target_parts = source.split("/")[:-1], target.split("/")
    common = 0
    while (
        common < len(source_folders)
        and common < len(target_parts) - 1
        and source_folders[common] == target_parts[common]
    ):
        common += 1
    path = "/".join([".."] * (len(source_folders) - common) + target_parts[common:])
    return quote(path, safe=_SAFE)
