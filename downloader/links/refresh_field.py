"""The URL in the response field Refresh, which acts like ``meta http-equiv=refresh``.

A copy has lost the field, so that it gets the element when the link is replaced.
"""

from functools import partial

from downloader.links import meta_refresh
from downloader.links.collector import LinkCollector, RewriteRule
from downloader.links.embedded_text import escape_double_quoted
from downloader.links.model import Link, LinkKind
from downloader.links.url_resolver import UrlResolver
from downloader.web.encoding_declaration import head_offset
from downloader.web.page_fields import REFRESH, values_of

#: Characters of a page in which the start of its head is looked for.
_MAX_START_LENGTH = 1024


def collect_link(page_fields: str, collector: LinkCollector, resolver: UrlResolver) -> None:
    """Collect the link of the first Refresh field (HTML standard, 7.5.1 and 4.2.5.3)."""
    content = next(values_of(page_fields, REFRESH), "")
    span = meta_refresh.url_span(content)
    if span is None:
        return
    value = content[slice(*span)]
    url, fragment = resolver.resolve(value)
    if url is None:
        return
    immediate = meta_refresh.is_immediate(content)
    kind = LinkKind.REDIRECT if immediate else LinkKind.REFRESH
    start = collector.text[:_MAX_START_LENGTH].encode("utf-8", "replace")
    offset = len(start[: head_offset(start)].decode("utf-8", "replace"))
    link = Link(url, fragment, kind, value, "", offset, offset, "Refresh")
    seconds = "0" if immediate else content[: span[0]].strip().partition(";")[0].partition(",")[0]
    collector.append(link, RewriteRule(partial(_refresh_element, seconds)))


def _refresh_element(seconds: str, url: str) -> str:
    content = escape_double_quoted(f"{seconds.strip()};url={url}")
    return f'<meta http-equiv="refresh" content="{content}">'
