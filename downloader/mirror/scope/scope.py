"""Which links are within what was asked for.

The rules are those of ``wget -r``, because that is what ``--level``, ``--span-hosts``,
``--no-parent``, ``--accept`` and ``--reject`` are named after.
"""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

from downloader.models.shards import Shard
from downloader.web.urls import Url, host, split

_WILD = re.compile(r"[*?\[]")
#: What may lead on to what is accepted: a folder, a name without extension, a page.
_PAGE = re.compile(r"(?:\A|/)(?:[^/.]*|[^/]*\.(?:s?html?|xhtml|php[0-9]?|aspx?|jsp|cgi))\Z", re.I)


class RefusalReason(StrEnum):
    """Why a link is not followed; the values are for people."""

    LEVEL = "deeper than --level"
    NOFOLLOW = "the page asks robots not to follow it"
    HOST = "on another host; see --span-hosts"
    SHARD = "other shards have their hosts"
    PARENT = "above the folder of the start; see --no-parent"
    REJECTED = "matches --reject"
    NOT_ACCEPTED = "does not match --accept"


@dataclass(frozen=True, slots=True)
class UrlPatterns:
    """What addresses are chosen by, as in ``wget -A`` and ``-R``.

    A text is a list separated by commas. An item without any of ``*?[`` is an ending of the path
    (``pdf``, ``.tar.gz``). Any other is a glob: with a slash it must match the whole path, which
    begins with one (``/docs/*``, ``*/api/*``; ``*`` goes over slashes), without a slash the last
    part of the path (``*.html``, ``report-20[0-9][0-9]*``). Percent-escapes of the path are undone
    beforehand; the query is not looked at; upper and lower case differ.

    Attributes:
        items: the texts, as they were given.

    >>> bool(UrlPatterns(("pdf,/docs/*",)).match(Url("https://example.org/docs/a?b")))
    True
    """

    items: tuple[str, ...] = ()
    _endings: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _globs: tuple[tuple[bool, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        endings, globs = [], []
        for item in _items(self.items):
            if _WILD.search(item):
                globs.append(("/" in item, re.compile(fnmatch.translate(item))))
            else:
                endings.append(item)
        object.__setattr__(self, "_endings", tuple(endings))
        object.__setattr__(self, "_globs", tuple(globs))

    def __bool__(self) -> bool:
        """Whether there is any pattern."""
        return bool(self._endings or self._globs)

    def match(self, url: Url) -> bool:
        """Return whether any of the patterns matches *url*."""
        path = unquote(split(url)[1])
        leaf = path.rpartition("/")[2]
        return path.endswith(self._endings) or any(
            pattern.match(path if whole else leaf) for whole, pattern in self._globs
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """What was asked for.

    Attributes:
        level: how many links may lead from a page of the list to the last page; None: no limit.
        span_hosts: whether links to other hosts are followed.
        no_parent: whether what is above the folder of the start, on its host, is left out.
        accept: if there are any, only what they match is kept.
        reject: what they match is not even asked for.
        nofollow: whether ``nofollow`` of pages and links is respected.
        shard: if this is one of several runs, which; the hosts of others are left to them.
    """

    level: int | None = 5
    span_hosts: bool = False
    no_parent: bool = False
    accept: UrlPatterns = field(default_factory=UrlPatterns)
    reject: UrlPatterns = field(default_factory=UrlPatterns)
    nofollow: bool = True
    shard: Shard | None = None

    def refusal(
        self, url: Url, *, start: Url, level: int, nofollow: bool = False
    ) -> RefusalReason | None:
        """Return why a link to *url* is not followed, or None if it is.

        Args:
            url: where the link leads.
            start: the page of the list from which this was reached, after its redirects.
            level: the number of links from *start* to *url*; 1 for the links of *start* itself.
            nofollow: what the link or its page says (:attr:`downloader.links.Link.nofollow`).
        """
        if self.level is not None and level > self.level:
            return RefusalReason.LEVEL
        if nofollow and self.nofollow:
            return RefusalReason.NOFOLLOW
        # Ports that are the scheme's own are none: http and https of one name are one host.
        same = host(url) == host(start)
        if not same and not self.span_hosts:
            return RefusalReason.HOST
        if not same and self.shard is not None and not self.shard.owns(url):
            return RefusalReason.SHARD
        if self.no_parent and same and not _below(url, start):
            return RefusalReason.PARENT
        if self.reject and self.reject.match(url):
            return RefusalReason.REJECTED
        # A page at the last level leads nowhere.
        leads_on = self.level is None or level < self.level
        if not self.keeps(url) and not (leads_on and _PAGE.search(split(url)[1])):
            return RefusalReason.NOT_ACCEPTED
        return None

    def keeps(self, url: Url) -> bool:
        """Return whether ``--accept`` and ``--reject`` choose *url*.

        What is followed without being chosen is a page that only leads to others, as with
        ``wget -A``.
        """
        if self.reject and self.reject.match(url):
            return False
        return not self.accept or self.accept.match(url)


def _items(texts: Iterable[str]) -> list[str]:
    """Return the items of lists; a comma within brackets belongs to its glob."""
    return [
        item
        for text in texts
        for part in re.findall(r"(?:\[[^\]]*\]|[^,])+", text)
        if (item := part.strip())
    ]


def _below(url: Url, start: Url) -> bool:
    """Return whether *url* is in the folder of *start*, or below it.

    Paths of normalised addresses have no ``..``; escapes are undone, so that no way of writing
    the folder's name makes a difference.
    """
    folder = split(start)[1].rpartition("/")[0]
    return unquote(split(url)[1]).startswith(f"{unquote(folder)}/")
