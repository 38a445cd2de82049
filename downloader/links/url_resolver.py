"""What a reference means: relative to which base, in which encoding."""

import re
from functools import lru_cache
from urllib.parse import quote

import webencodings

from downloader.errors import BadUrlError
from downloader.web import urls
from downloader.web.urls import Url

#: URL standard, 4.4 ("basic URL parser"): what is taken off at the ends, and everywhere.
_ENDS = "".join(map(chr, range(0x21)))
_BREAKS = re.compile("[\t\n\r]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile(r"[^\x21-\x7e]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
#: A scheme that is not fetched, so that an image in ``data:`` is not parsed as an address.
_NOT_FETCHED = re.compile(r"[\x00-\x20]*+(?:data|javascript|mailto|tel|blob|about):", re.IGNORECASE)
#: The path is then that of the base itself, not only its folder (URL standard, 4.4).
_WITHOUT_PATH = re.compile(r"(?:https?:)?(?:\?|\Z)", re.IGNORECASE)
#: URL standard, 1.3: what may stay as it is in the query of http and https.
_QUERY_SAFE = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
#: So many addresses are remembered: the pages of a site have most of theirs in common.
_MOST_KNOWN = 8192
#: One that is longer than this is not.
_LONG = 512


class UrlResolver:
    """Resolves the references of one document.

    Attributes:
        document: the address of the document.
        base: what relative references are relative to.
        encoding: in which the query of a reference is percent-encoded.
    """

    def __init__(self, document: Url, encoding: str, base: Url | None = None) -> None:
        self.document = document
        self.base = base or document
        self.encoding = encoding
        self._known: dict[str, tuple[Url | None, str]] = {}
        #: A reference with a path means the same in all documents of a folder.
        self._folder = Url(self.base.partition("?")[0].rpartition("/")[0] + "/")

    def based(self, reference: str) -> "UrlResolver":
        """Return the resolver for a document with ``base href=reference`` (HTML, 4.2.3).

        An address that is none, or ``javascript:``, leaves the base as it is.
        """
        base = self._join(_clean(reference).partition("#")[0])
        return UrlResolver(self.document, self.encoding, base or self.base)

    def resolve(self, reference: str) -> tuple[Url | None, str]:
        """Return the address and the fragment with its ``#``.

        The address is None if the reference leads nowhere that can be fetched, or to a place in
        the document itself.
        """
        known = self._known.get(reference)
        if known is None:
            known = self._known[reference] = self._resolve(reference)
        return known

    def _resolve(self, reference: str) -> tuple[Url | None, str]:
        if _NOT_FETCHED.match(reference):
            return None, ""
        address, sign, place = _clean(reference).partition("#")
        if sign and not address and self.base == self.document:
            return None, sign + place
        return self._join(address), sign + place

    def _join(self, address: str) -> Url | None:
        base = self.base if _WITHOUT_PATH.match(address) else self._folder
        if not address.isascii():
            address = self._encoded(address)
        return (_known if len(address) < _LONG else _joined)(base, address)

    def _encoded(self, address: str) -> str:
        """Return *address* with its query percent-encoded in the document's own encoding.

        URL standard, 4.4, "query state", and 1.3, "percent-encode after encoding".
        """
        address = _SURROGATE.sub("\ufffd", address)
        if self.encoding.startswith("utf-"):
            return address
        path, sign, query = address.partition("?")
        return path + sign + _FOREIGN.sub(self._percent, query)

    def _percent(self, match: re.Match[str]) -> str:
        encoding = webencodings.lookup(self.encoding) or webencodings.UTF8
        pieces = []
        for char in match[0]:
            try:
                pieces.append(quote(encoding.codec_info.encode(char)[0], safe=_QUERY_SAFE))
            except UnicodeError:
                pieces.append(f"%26%23{ord(char)}%3B")
        return "".join(pieces)


def _joined(base: Url, address: str) -> Url | None:
    try:
        return urls.join(base, address)
    except BadUrlError:
        return None


_known = lru_cache(_MOST_KNOWN)(_joined)


def ascii_only(url: str) -> str:
    """Return *url* with everything percent-encoded that not every encoding can write.

    UTF-8 is what a browser reads such bytes as, whatever the document's encoding.
    """
    if url.isascii() and url.isprintable() and " " not in url:
        return url  # a data: URI may be megabytes, and these look at them quickly
    return _UNSAFE.sub(lambda match: quote(match[0], safe="", errors="replace"), url)


def _clean(reference: str) -> str:
    text = reference.strip(_ENDS)
    return text if text.isprintable() else _BREAKS.sub("", text)
