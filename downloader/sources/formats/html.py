"""HTML: the hyperlinks of a page, such as the bookmarks that a browser has exported."""

import re
from collections.abc import Iterator

from downloader.errors import BadUrlError, SourceError
from downloader.links.anchor_stream import AnchorStream
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput
from downloader.sources.markup_text import html_text
from downloader.sources.text_lines import MAX_LINE_LENGTH, TOO_LONG
from downloader.web import urls
from downloader.web.urls import Url

#: C0 controls and spaces, which are no part of a reference (URL standard, 4.4).
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_BREAKS = str.maketrans("", "", "\t\r\n")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_WEB_SCHEMES = frozenset({"http", "https"})


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the links of a page, in order.

    Links to the page itself, and of other schemes than http and https, are no lines of the list.

    Raises:
        SourceError: a tag, a comment or a script is too long; the links before were yielded.
    """
    stream = AnchorStream()
    for text in html_text(source):
        for anchor in stream.feed(text):
            reference = anchor.reference.strip(_C0_AND_SPACE).translate(_BREAKS)
            scheme = _SCHEME.match(reference)
            is_other = scheme is not None and scheme[1].lower() not in _WEB_SCHEMES
            if reference and not reference.startswith("#") and not is_other:
                origin = f"{source.label}:{anchor.line}"
                yield _line(origin, reference, _base_url(source, stream.base))
        if stream.has_too_long_token:
            raise SourceError(f"{source.label} has a tag, comment or script that is too long")


def _base_url(source: ListInput, base: str | None) -> Url | None:
    """Return the URL that links refer to (HTML standard, 4.2.3); None if nothing says it."""
    try:
        if source.base_url is not None:
            return urls.join(source.base_url, base) if base else source.base_url
        return urls.parse(base) if base and _SCHEME.match(base) else None
    except BadUrlError:
        return source.base_url


def _line(origin: str, reference: str, base: Url | None) -> ListLine:
    if len(reference) > MAX_LINE_LENGTH:
        return ListLine(origin, reference[:MAX_LINE_LENGTH], error=BadUrlError(TOO_LONG))
    if base is not None:
        try:
            return ListLine(origin, urls.join(base, reference))
        except BadUrlError as error:
            return ListLine(origin, reference, error=error)
    if _SCHEME.match(reference):
        return ListLine(origin, reference)
    relative = BadUrlError("a relative link", hint="say where the page is from with --base URL")
    return ListLine(origin, reference, error=relative)
