"""The usual way to write a link in HTML: ``<a class="b" href="c">``.

Nine of ten links of a page are such, so these are read by one regular expression instead of the
rules for any element in any language. It matches nothing for which the two would differ.
"""

import re

from downloader.links.collector import LinkCollector, ReplacementStyle
from downloader.links.model import Link, LinkKind
from downloader.links.text_layers import DOUBLE_QUOTED
from downloader.links.url_resolver import UrlResolver

_OTHER = r'(?:[ \n]++(?!(?:href|ping|rel|style)=)[a-z-]++="[^"]*+")*+'
_USUAL = re.compile(rf'<a{_OTHER}[ \n]++href="([^"&\0]*+)"{_OTHER}[ \n]*+>')
_MANNER = ReplacementStyle(DOUBLE_QUOTED)


class AnchorScanner:
    """Reads what is written in the usual way.

    Args:
        finder: where links are added.
        resolver: what they are relative to.
        nofollow: whether the page asks robots to follow none of them.
    """

    def __init__(self, finder: LinkCollector, resolver: UrlResolver, *, nofollow: bool) -> None:
        self._finder = finder
        self._resolve = resolver.resolve
        self._nofollow = nofollow

    def read(self, start: int) -> bool:
        """Add the anchor whose tag begins at *start*; return whether it is a usual one."""
        finder = self._finder
        match = _USUAL.match(finder.text, start)
        if match is None:
            return False
        value = match[1]
        url, fragment = self._resolve(value)
        first, last = match.span(1)
        finder.links.append(
            Link(
                url,
                fragment,
                LinkKind.ANCHOR,
                value,
                value,
                first,
                last,
                "a[href]",
                (),
                self._nofollow,
            )
        )
        finder.manners.append(_MANNER)
        return True
