"""Pure: how a file in the output folder refers to another."""

from functools import lru_cache
from urllib.parse import quote

from downloader.web.filenames import SafePath

#: What means nothing in a path of ``http:`` and ``file:`` alike, and needs no escape in CSS.
_PLAIN = "/@=&,+!$;~"


@lru_cache
def relative(source: SafePath, target: SafePath) -> str:
    """Return the relative URL by which the file *source* refers to *target*.

    >>> relative("a.example/b/c.html", "a.example/d%20/e f.png")
    '../d%2520/e%20f.png'
    """
    above, below = source.split("/")[:-1], target.split("/")
    same = 0
    while same < len(above) and same < len(below) - 1 and above[same] == below[same]:
        same += 1
    path = "/".join([".."] * (len(above) - same) + below[same:])
    return quote(path, safe=_PLAIN)
