"""The titles of pages, for reports."""

import re

from downloader.web.charset import decode_text

#: Bytes of a page in which its title is looked for.
_MAX_BYTES = 64 * 1024
_MAX_TITLE_CHARACTERS = 1000
_END_OF_TITLE = re.compile("</title", re.IGNORECASE)


class TitleFinder:
    """Finds the title of a page that arrives in pieces.

    Args:
        content_type: the field as it was sent, which may name the encoding.
        media_type: of the page.
    """

    def __init__(self, content_type: str, media_type: str) -> None:
        self._content_type = content_type
        self._media_type = media_type
        self._head = b""

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the decoded body."""
        if len(self._head) < _MAX_BYTES:
            self._head += piece[: _MAX_BYTES - len(self._head)]

    @property
    def title(self) -> str:
        """The title; empty if the beginning of the page has none."""
        text = decode_text(self._head, self._content_type, self._media_type)
        end = _END_OF_TITLE.search(text)
        if end is None:
            return ""
        # Imported only for a title, because it takes a while.
        from downloader.links.page_text import page_title

        # To parse the rest, too, would take a hundred times as long. That is needed only if there
        # is another title in a script or a comment.
        title = page_title(text[: end.start()]) or page_title(text)
        return title[:_MAX_TITLE_CHARACTERS]
