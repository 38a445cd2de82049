"""Placeholders for long URLs, which are inserted after a document is written.

So nothing has to look at each of their characters. They need no escapes: the characters that stay
unescaped in a ``data:`` URI can stand wherever a URL can.
"""

import re
import secrets

_MAX_INLINE_CHARACTERS = 200


class Placeholders:
    """The long URLs of one document."""

    def __init__(self, encoding: str) -> None:
        self._is_ascii_compatible = not encoding.startswith("utf-16")
        #: Looks like a scheme, so that a placeholder is an absolute URL; in no document by chance.
        self._token = f"late-{secrets.token_hex(8)}-"
        self._urls: list[bytes] = []

    def add(self, url: str) -> str:
        """Return a placeholder, which :meth:`insert_into` replaces by *url*; or a short *url*."""
        if len(url) <= _MAX_INLINE_CHARACTERS or not self._is_ascii_compatible:
            return url
        self._urls.append(url.encode("ascii"))
        return f"{self._token}{len(self._urls) - 1}:"

    def insert_into(self, body: bytes) -> bytes:
        """Return the document with the URLs in place of their placeholders."""
        if not self._urls:
            return body
        token = re.compile(self._token.encode() + rb"(\d+):")
        return token.sub(lambda match: self._urls[int(match[1])], body)
