"""Sitemaps and sitemap indexes (sitemaps.org protocol 0.9), parsed as they stream."""

from collections.abc import Iterator
from itertools import chain
from xml.parsers import expat

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput, NestedList
from downloader.sources.text_lines import MAX_LINE_LENGTH, TOO_LONG

#: Limits of what a sitemap needs; a longer token or deeper tree is there to fill memory.
_MAX_TOKEN_BYTES = 1024 * 1024
_MAX_DEPTH = 50


def parse(source: ListInput) -> Iterator[ListLine | NestedList]:
    """Yield the pages that a sitemap names, and the sitemaps that an index names.

    Raises:
        SourceError: it is not well-formed XML, or uses more of XML than a sitemap needs; what
            came before was yielded.
    """
    parser = _SitemapParser(source.label)
    for chunk in chain(filter(None, source.chunks), (b"",)):
        yield from parser.feed(chunk, final=not chunk)


class _SitemapParser:
    """Collects ``<loc>`` elements of XML that arrives in chunks."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._found: list[ListLine | NestedList] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._text_length = self._bytes_fed = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity

    def feed(self, data: bytes, *, final: bool = False) -> list[ListLine | NestedList]:
        """Return what was completed by *data*.

        Raises:
            SourceError: it is not well-formed XML, or uses more of XML than a sitemap needs.
        """
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise SourceError(f"{self._label}:{error.lineno} is no XML: {reason}") from error
        except (LookupError, ValueError) as error:
            raise SourceError(f"{self._label} is XML in an unknown encoding") from error
        self._bytes_fed += len(data)
        if self._bytes_fed - self._parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
            raise self._error("holds a tag or comment that is too long")
        found, self._found = self._found, []
        return found

    def _error(self, problem: str) -> SourceError:
        return SourceError(f"{self._label}:{self._parser.CurrentLineNumber} {problem}")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) == _MAX_DEPTH:
            raise self._error("is nested too deeply for a sitemap")
        self._path.append(name.rpartition(" ")[2])
        self._text.clear()
        self._text_length = 0

    def _characters(self, text: str) -> None:
        if self._path[-1] == "loc" and self._text_length <= MAX_LINE_LENGTH:
            self._text.append(text)
            self._text_length += len(text)

    def _end(self, _name: str) -> None:
        parent = self._path[-2:-1]
        if self._path[-1] == "loc" and parent in (["url"], ["sitemap"]):
            origin = f"{self._label}:{self._parser.CurrentLineNumber}"
            text = "".join(self._text).strip()
            if self._text_length > MAX_LINE_LENGTH:
                self._found.append(ListLine(origin, text, error=BadUrlError(TOO_LONG)))
            elif parent == ["sitemap"]:
                self._found.append(NestedList(origin, text))
            else:
                self._found.append(ListLine(origin, text))
        self._path.pop()

    def _entity(self, *_declaration: object) -> None:
        raise self._error("declares an entity, which no sitemap needs")
