"""Long addresses, put into a document when all else is written.

By then nothing looks at each of their characters any more: what is unescaped in a ``data:`` URI of
ours is so wherever an address can stand.
"""

import re
import secrets

_SHORT = 200


class Placeholders:
    """The long addresses of one document."""

    def __init__(self, encoding: str) -> None:
        self._usable = not encoding.startswith("utf-16")
        #: What cannot be in any document by chance, with the look of an absolute address.
        self._token = f"late-{secrets.token_hex(8)}-"
        self._texts: list[bytes] = []

    def write(self, text: str) -> str:
        """Return what stands for an address until :meth:`put_into` is called."""
        if len(text) <= _SHORT or not self._usable:
            return text
        self._texts.append(text.encode("ascii"))
        return f"{self._token}{len(self._texts) - 1}:"

    def put_into(self, body: bytes) -> bytes:
        """Return the document with its addresses."""
        if not self._texts:
            return body
        token = re.compile(self._token.encode() + rb"(\d+):")
        return token.sub(lambda match: self._texts[int(match[1])], body)
