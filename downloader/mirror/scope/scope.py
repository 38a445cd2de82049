"""Which links are within what was asked for.

The rules are those of ``wget -r``, from which ``--level``, ``--span-hosts``, ``--no-parent``,
``--accept`` and ``--reject`` have their names.
"""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

from downloader.models.shards import Shard
from downloader.web.urls import Url, host, hostname, split

_WILDCARD = re.compile(r"[*?\[]")
#: A path that may lead on to accepted ones: a folder, a name without extension, a page.
_PAGE_PATH = re.compile(
    r"(?:\A|/)(?:[^/.]*|[^/]*\.(?:s?html?|xhtml|php[0-9]?|aspx?|jsp|cgi))\Z", re.I
)


class RefusalReason(StrEnum):
    """Why a link is not followed; the values are for people."""

    LEVEL = "deeper than --level"
    NOFOLLOW = "the page asks robots not to follow it"
    HOST = "on another host; see --span-hosts, --domains and --same-site"
    SHARD = "their hosts belong to other shards"
    PARENT = "above the folder of the start; see --no-parent"
    REJECTED = "matches --reject"
    NOT_ACCEPTED = "does not match --accept"


@dataclass(frozen=True, slots=True)
class UrlPatterns:
    """Patterns that select URLs, as in ``wget -A`` and ``-R``.

    A text is a comma-separated list. An item without any of ``*?[`` is a suffix of the path
    (``pdf``, ``.tar.gz``). Any other is a glob: with a slash it must match the whole path, which
    begins with one (``/docs/*``, ``*/api/*``; ``*`` also matches slashes), without a slash the
    last segment (``*.html``, ``report-20[0-9][0-9]*``). The path is percent-decoded first, the
    query is ignored, and case matters.

    Attributes:
        items: the texts, as they were given.

    >>> bool(UrlPatterns(("pdf,/docs/*",)).match(Url("https://example.org/docs/a?b")))
    True
    """

    items: tuple[str, ...] = ()
    _suffixes: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _globs: tuple[tuple[bool, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        suffixes, globs = [], []
        for item in _split_items(self.items):
            if _WILDCARD.search(item):
                globs.append(("/" in item, re.compile(fnmatch.translate(item))))
            else:
                suffixes.append(item)
        object.__setattr__(self, "_suffixes", tuple(suffixes))
        object.__setattr__(self, "_globs", tuple(globs))

    def __bool__(self) -> bool:
        """Whether there is any pattern."""
        return bool(self._suffixes or self._globs)

    def match(self, url: Url) -> bool:
        """Return whether any of the patterns matches *url*."""
        path = unquote(split(url)[1])
        last_segment = path.rpartition("/")[2]
        return path.endswith(self._suffixes) or any(
            pattern.match(path if matches_path else last_segment)
            for matches_path, pattern in self._globs
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """The links that a run follows.

    Attributes:
        level: the most links from a page of the list to another page; None for no limit.
        span_hosts: whether links to other hosts are followed.
        domains: hosts to which links are followed, as are links to their subdomains.
        same_site: whether a host and the same one with ``www.`` before its name are one.
        no_parent: whether what is above the folder of the start, on its host, is left out.
        accept: if there are any, only URLs that match are kept.
        reject: URLs that match are not requested.
        nofollow: whether ``nofollow`` of pages and links is respected.
        shard: which of several runs this is; the hosts of the others are left to them.
    """

    level: int | None = 5
    span_hosts: bool = False
    domains: tuple[str, ...] = ()
    same_site: bool = False
    no_parent: bool = False
    accept: UrlPatterns = field(default_factory=UrlPatterns)
    reject: UrlPatterns = field(default_factory=UrlPatterns)
    nofollow: bool = True
    shard: Shard | None = None

    def refusal(
        self,
        url: Url,
        *,
        start: Url,
        level: int,
        nofollow: bool = False,
        listed: Url | None = None,
    ) -> RefusalReason | None:
        """Return why a link is not followed; None if it is.

        Args:
            url: the URL of the link.
            start: the page of the list from which it was reached, after redirects.
            level: the number of links from *start* to *url*; 1 for the links of *start* itself.
            nofollow: what the link or its page says (:attr:`downloader.links.Link.nofollow`).
            listed: the same page as the list names it, before redirects: its host counts as well.
        """
        if self.level is not None and level > self.level:
            return RefusalReason.LEVEL
        if nofollow and self.nofollow:
            return RefusalReason.NOFOLLOW
        starts = [
            each for each in (start, listed) if each is not None and self._is_same_host(url, each)
        ]
        same_host = bool(starts)
        if not same_host and not self.span_hosts and not self._is_in_domains(url):
            return RefusalReason.HOST
        if not same_host and self.shard is not None and not self.shard.owns(url):
            return RefusalReason.SHARD
        if self.no_parent and same_host and not any(_is_below(url, each) for each in starts):
            return RefusalReason.PARENT
        if self.reject and self.reject.match(url):
            return RefusalReason.REJECTED
        # At the last level a page leads nowhere.
        leads_on = self.level is None or level < self.level
        if not self.accepts(url) and not (leads_on and _PAGE_PATH.search(split(url)[1])):
            return RefusalReason.NOT_ACCEPTED
        return None

    def includes_host(self, url: Url, *starts: Url) -> bool:
        """Return whether links from pages reached from *starts* to the host of *url* are followed.

        Other rules may keep a link from being followed all the same.
        """
        if self.span_hosts or self._is_in_domains(url):
            return True
        return any(self._is_same_host(url, start) for start in starts)

    def _is_same_host(self, url: Url, start: Url) -> bool:
        # A scheme's default port is left out: http and https of one name are one host.
        one, other = host(url), host(start)
        return one == other or (
            self.same_site and one.removeprefix("www.") == other.removeprefix("www.")
        )

    def _is_in_domains(self, url: Url) -> bool:
        name = hostname(url)
        return any(name == domain or name.endswith(f".{domain}") for domain in self.domains)

    def accepts(self, url: Url) -> bool:
        """Return whether ``--accept`` and ``--reject`` select *url*.

        A page that is not selected may still be followed for its links, as with ``wget -A``.
        """
        if self.reject and self.reject.match(url):
            return False
        return not self.accept or self.accept.match(url)


def _split_items(texts: Iterable[str]) -> list[str]:
    """Return the items of comma-separated lists; a comma in brackets belongs to its glob."""
    return [
        stripped
        for text in texts
        for item in re.findall(r"(?:\[[^\]]*\]|[^,])+", text)
        if (stripped := item.strip())
    ]


def _is_below(url: Url, start: Url) -> bool:
    """Return whether *url* is in the folder of *start*, or below it.

    Normalised paths have no ``..``. They are decoded, so that different escapes of the folder's
    name make no difference.
    """
    folder = split(start)[1].rpartition("/")[0]
    return unquote(split(url)[1]).startswith(f"{unquote(folder)}/")
