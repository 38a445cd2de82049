"""Sitemaps, sitemap indexes (sitemaps.org 0.9) and feeds (RSS, Atom), as they arrive.

They are told apart by the names of their entries, because their namespaces are often wrong. An
entry that is not well-formed fails alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput, NestedList
from downloader.sources.markup_text import xml_text
from downloader.sources.text_lines import MAX_LINE_LENGTH, TOO_LONG
from downloader.sources.url_column import is_address
from downloader.sources.xml_scanner import XmlScanner, attributes_of, decode_references
from downloader.web.text import printable

#: The entries: pages of a sitemap, sitemaps of an index, entries of RSS and of Atom.
_PAGE, _SITEMAP, _ITEM, _ENTRY = "url", "sitemap", "item", "entry"
_SITEMAP_ENTRIES = frozenset({_PAGE, _SITEMAP})
_FEED_ENTRIES = frozenset({_ITEM, _ENTRY})
_ROOTS = frozenset({"urlset", "sitemapindex", "rss", "rdf", "feed"})
#: The elements that hold the address of an entry in their text.
_TEXT_ELEMENTS = {
    **dict.fromkeys(_SITEMAP_ENTRIES, frozenset({"loc"})),
    _ITEM: frozenset({"link", "guid"}),
    _ENTRY: frozenset({"id"}),
}
#: How well an address stands for the entry of a feed; the lowest is taken.
_BY_LINK, _BY_PERMALINK, _BY_ENCLOSURE, _BY_OTHER_LINK, _BY_ID, _BROKEN, _NONE = range(7)
#: The relations of links that lead to something other than the entry (RFC 4287, 4.2.7.2).
_OTHER_RELATIONS = frozenset({"self", "edit", "edit-media", "replies", "hub", "next", "license"})
#: Open elements of an entry that are known; deeper ones hold no address of it.
_MAX_DEPTH = 50


def parse(source: ListInput) -> Iterator[ListLine | NestedList]:
    """Yield the pages of a sitemap or feed, and the sitemaps of an index.

    Raises:
        SourceError: it is neither a sitemap nor a feed.
    """
    entries = _Entries(source)
    scanner = XmlScanner(entries)
    entries.scanner = scanner
    for text in xml_text(source):
        scanner.feed(text)
        yield from entries.take()
    scanner.feed("", final=True)
    entries.finish()
    yield from entries.take()


@dataclass(slots=True)
class _Entry:
    """An entry that is open.

    Attributes:
        kind: its element.
        line: the number of its line.
        open: the names of the elements that are open in it.
        address: the best address so far, and its rank.
        error: what is wrong with the address.
    """

    kind: str
    line: int
    open: list[str] = field(default_factory=list)
    address: str = ""
    rank: int = _NONE
    error: BadUrlError | None = None


class _Entries:
    """Collects the entries of a document; a handler of an :class:`XmlScanner`."""

    scanner: XmlScanner

    def __init__(self, source: ListInput) -> None:
        self.wants_text = False
        self._source = source
        self._found: list[ListLine | NestedList] = []
        self._entry: _Entry | None = None
        #: The text of the element that is read, its rank, and what is wrong with it.
        self._parts: list[str] = []
        self._length = 0
        self._rank = _BY_LINK
        self._error: BadUrlError | None = None
        self._root = ""
        self._root_is_open = False
        self._has_entries = False

    def take(self) -> list[ListLine | NestedList]:
        """Return what has been found since the last call."""
        found, self._found = self._found, []
        return found

    def finish(self) -> None:
        """Take the end of the document.

        Raises:
            SourceError: it is neither a sitemap nor a feed.
        """
        label = self._source.label
        if self.wants_text:
            self._error = BadUrlError("the address is cut off")
            self._end_text()
        self._end_entry()
        if not self._has_entries and self._root not in _ROOTS:
            first = f"its first element is <{printable(self._root[:80])}>" if self._root else ""
            raise SourceError(
                f"{label} is neither a sitemap nor a feed", hint=first or "it has no elements"
            )
        if self._root_is_open:
            self._source.settings.note(f"{label} is cut off: the XML has no end")

    def start(self, name: str, attributes: str) -> None:
        """Take a start tag."""
        name = _local_name(name)
        is_empty = attributes.endswith("/")
        if not self._root:
            self._root, self._root_is_open = name, not is_empty
        if self.wants_text:
            self._error = BadUrlError("a tag in the address")
            self._end_text()
        entry = self._entry
        if self._begins_entry(name):
            self._end_entry()
            self._entry, self._has_entries = _Entry(name, self.scanner.line), True
            if is_empty:
                self._end_entry()
        elif entry is not None:
            if not entry.open:
                self._start_child(entry, name, attributes)
            if not is_empty and len(entry.open) < _MAX_DEPTH:
                entry.open.append(name)
            elif is_empty and self.wants_text:
                self._end_text()

    def end(self, name: str) -> None:
        """Take an end tag; one without a start is ignored."""
        name = _local_name(name)
        if self.wants_text:
            self._end_text()
        entry = self._entry
        if entry is None:
            if name == self._root:
                self._root_is_open = False
        elif name in entry.open:
            while entry.open.pop() != name:
                pass
        elif name == entry.kind:
            self._end_entry()

    def text(self, text: str) -> None:
        """Take a piece of the text of an address."""
        if self._length <= MAX_LINE_LENGTH:
            self._parts.append(text)
            self._length += len(text)

    def _begins_entry(self, name: str) -> bool:
        entry = self._entry
        if entry is None:
            return name in _SITEMAP_ENTRIES or name in _FEED_ENTRIES
        if name == entry.kind:
            # The one before has no end.
            return True
        # The picture of an RSS channel has an element url.
        return name in _FEED_ENTRIES and entry.kind in _SITEMAP_ENTRIES

    def _start_child(self, entry: _Entry, name: str, attributes: str) -> None:
        """Take what a child of an entry says about its address."""
        if name == "link" and entry.kind in _FEED_ENTRIES:
            given = attributes_of(attributes)
            if "href" in given:
                self._offer(given["href"], _rank_of_relation(given.get("rel", "")))
                return
        elif name == "enclosure" and entry.kind == _ITEM:
            self._offer(attributes_of(attributes).get("url", ""), _BY_ENCLOSURE)
            return
        if name in _TEXT_ELEMENTS[entry.kind]:
            self.wants_text = True
            self._parts, self._length, self._error = [], 0, None
            self._rank = _BY_ID if name == "id" else _BY_LINK
            if name == "guid":
                is_permalink = attributes_of(attributes).get("ispermalink", "true") == "true"
                self._rank = _BY_PERMALINK if is_permalink else _BY_ID

    def _end_text(self) -> None:
        """Take the address that has been read."""
        self.wants_text = False
        text = decode_references("".join(self._parts)).strip()
        if self._length > MAX_LINE_LENGTH:
            self._error = BadUrlError(TOO_LONG)
        entry = self._entry
        if entry is None:
            return
        if entry.kind in _FEED_ENTRIES:
            self._offer(text, _BROKEN if self._error else self._rank, self._error)
        else:
            entry.address, entry.error = text, self._error
            self._add(entry, self.scanner.line)

    def _offer(self, address: str, rank: int, error: BadUrlError | None = None) -> None:
        """Take *address* for the entry unless it has a better one."""
        entry = self._entry
        is_usable = rank == _BY_LINK or error is not None or is_address(address)
        if entry is not None and address and rank < entry.rank and is_usable:
            entry.address, entry.rank, entry.error = address[:MAX_LINE_LENGTH], rank, error

    def _end_entry(self) -> None:
        entry, self._entry = self._entry, None
        if entry is not None and entry.kind in _FEED_ENTRIES:
            if not entry.address:
                entry.error = BadUrlError("the entry has no link")
            self._add(entry, entry.line)

    def _add(self, entry: _Entry, line: int) -> None:
        origin = f"{self._source.label}:{line}"
        if entry.kind == _SITEMAP and entry.error is None:
            self._found.append(NestedList(origin, self._source.resolve(entry.address)))
        else:
            address = self._source.resolve(entry.address)
            self._found.append(ListLine(origin, address, error=entry.error))


def _local_name(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _rank_of_relation(relations: str) -> int:
    """Return how well a link with these relations stands for an entry."""
    relation = relations.strip().lower()
    if relation in {"", "alternate"}:
        return _BY_LINK
    if relation == "enclosure":
        return _BY_ENCLOSURE
    return _NONE if relation in _OTHER_RELATIONS else _BY_OTHER_LINK
