"""Resolves the references of a document, with its base URL and its encoding."""

import re
from functools import lru_cache
from urllib.parse import quote

import webencodings

from downloader.errors import BadUrlError
from downloader.web import urls
from downloader.web.urls import Url

#: URL standard, 4.4 ("basic URL parser"): C0 controls and spaces are removed at the ends, tabs and
#: line breaks everywhere.
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_TABS_AND_BREAKS = re.compile("[\t\n\r]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile(r"[^\x21-\x7e]+")
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
#: Schemes that are not fetched; an image in ``data:`` is not even parsed as a URL.
_UNFETCHED_SCHEME = re.compile(
    r"[\x00-\x20]*+(?:data|javascript|mailto|tel|blob|about):", re.IGNORECASE
)
#: Without a path, a reference takes that of the base URL, file name included (URL standard, 4.4).
_WITHOUT_PATH = re.compile(r"(?:https?:)?(?:\?|\Z)", re.IGNORECASE)
#: Folders above, and a path in which the URL standard neither encodes nor removes anything.
_PLAIN_PATH = re.compile(
    r"((?:\.\./)*+)((?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*+/)*+(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)?+)"
)
#: Characters that stay as they are in the query of http and https (URL standard, 1.3).
_QUERY_SAFE = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
#: Longer URLs are not fetched. Servers are to support 8000 characters (RFC 9110, 4.1), and most
#: refuse more.
MAX_URL_LENGTH = 8192
#: Size of the cache that all documents share: the pages of a site have most URLs in common.
_MAX_CACHED_URLS = 8192
_MAX_CACHED_URL_LENGTH = 512
#: Characters of the path and query of a reference that :meth:`UrlResolver.resolve_path` takes.
MAX_PATH_LENGTH = 300


class UrlResolver:
    """Resolves the references of one document.

    Attributes:
        document_url: the URL of the document.
        base_url: the URL against which references are resolved.
        encoding: the encoding in which the query of a reference is percent-encoded.
        has_too_long: whether a URL was left out because it is longer than MAX_URL_LENGTH.
    """

    def __init__(self, document_url: Url, encoding: str, base_url: Url | None = None) -> None:
        self.document_url = document_url
        self.base_url = base_url or document_url
        self.encoding = encoding
        self.has_too_long = False
        self._resolved: dict[str, tuple[Url | None, str]] = {}
        #: References with a path resolve to the same URLs in all documents of a folder.
        self._folder_url = Url(self.base_url.partition("?")[0].rpartition("/")[0] + "/")
        is_short = len(self._folder_url) + MAX_PATH_LENGTH < _MAX_CACHED_URL_LENGTH
        self._join_path = _cached_join_path if is_short else _join_path

    def with_base(self, reference: str) -> "UrlResolver":
        """Return the resolver of a document with ``base href=reference`` (HTML, 4.2.3).

        An invalid or unfetchable URL, or one that is too long, leaves the base URL as it is.
        """
        base_url = self._join(_strip(reference).partition("#")[0])
        resolver = UrlResolver(self.document_url, self.encoding, base_url or self.base_url)
        resolver.has_too_long = self.has_too_long
        return resolver

    def resolve(self, reference: str) -> tuple[Url | None, str]:
        """Return the URL of a reference, and its fragment with the ``#``.

        The URL is None if the reference cannot be fetched or leads to the document itself.
        """
        resolved = self._resolved.get(reference)
        if resolved is None:
            resolved = self._resolved[reference] = self._resolve(reference)
        return resolved

    def resolve_path(self, path: str) -> Url | None:
        """Return the URL of a reference of printable ASCII, with a path and without a fragment.

        This is :meth:`resolve` for the usual reference, without its checks. None is returned for
        what cannot be fetched.

        Args:
            path: path and query, of at most MAX_PATH_LENGTH characters.
        """
        return self._join_path(self._folder_url, path)

    def _resolve(self, reference: str) -> tuple[Url | None, str]:
        if _UNFETCHED_SCHEME.match(reference):
            return None, ""
        without_fragment, sign, fragment = _strip(reference).partition("#")
        if sign and not without_fragment and self.base_url == self.document_url:
            return None, sign + fragment
        return self._join(without_fragment), sign + fragment

    def _join(self, reference: str) -> Url | None:
        if not reference.isascii():
            reference = self._with_encoded_query(reference)
        if len(reference) > MAX_URL_LENGTH:
            self.has_too_long = True
            return None
        if _WITHOUT_PATH.match(reference):
            url = _join(self.base_url, reference)
        else:
            is_cached = len(self._folder_url) + len(reference) < _MAX_CACHED_URL_LENGTH
            url = (_cached_join_path if is_cached else _join_path)(self._folder_url, reference)
        if url is not None and len(url) > MAX_URL_LENGTH:
            self.has_too_long = True
            return None
        return url

    def _with_encoded_query(self, reference: str) -> str:
        """Return *reference* with its query percent-encoded in the encoding of the document.

        URL standard, 4.4, "query state", and 1.3, "percent-encode after encoding".
        """
        reference = _SURROGATE.sub("\ufffd", reference)
        if self.encoding.startswith("utf-"):
            return reference
        path, sign, query = reference.partition("?")
        return path + sign + _NON_ASCII.sub(self._percent_encode, query)

    def _percent_encode(self, match: re.Match[str]) -> str:
        encoding = webencodings.lookup(self.encoding) or webencodings.UTF8
        encoded = []
        for char in match[0]:
            try:
                encoded.append(quote(encoding.codec_info.encode(char)[0], safe=_QUERY_SAFE))
            except UnicodeError:
                encoded.append(f"%26%23{ord(char)}%3B")
        return "".join(encoded)


def _join(base_url: Url, reference: str) -> Url | None:
    try:
        return urls.join(base_url, reference)
    except BadUrlError:
        return None


def _join_path(folder: Url, path: str) -> Url | None:
    """Return the URL of a reference with a path, relative to *folder*.

    For plain names, this is what the parser returns in ten times the time.
    """
    plain = _PLAIN_PATH.fullmatch(path)
    # The address may have a zone, which join() treats specially.
    if plain is None or "%25" in folder:
        return _join(folder, path)
    root = folder.find("/", len("https://")) + 1
    for _ in range(plain.end(1) // len("../")):
        if len(folder) > root:
            folder = Url(folder[: folder.rfind("/", 0, -1) + 1])
    return Url(folder + plain[2])


_cached_join_path = lru_cache(_MAX_CACHED_URLS)(_join_path)


def percent_encode_unsafe(url: str) -> str:
    """Return *url* with controls, spaces and characters outside ASCII percent-encoded as UTF-8.

    Every encoding can write the result, and browsers read such bytes as UTF-8 in any document.
    """
    if url.isascii() and url.isprintable() and " " not in url:
        return url  # A data: URI may have megabytes, and these checks are quick.
    return _UNSAFE.sub(lambda match: quote(match[0], safe="", errors="replace"), url)


def _strip(reference: str) -> str:
    text = reference.strip(_C0_AND_SPACE)
    return text if text.isprintable() else _TABS_AND_BREAKS.sub("", text)
