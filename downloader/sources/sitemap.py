"""Sitemaps and sitemap indexes (sitemaps.org protocol 0.9), parsed as they stream."""

from collections.abc import Iterator
from itertools import chain
from xml.parsers import expat

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.line_reader import LONGEST_LINE, TOO_LONG

#: An XML token that is longer, or deeper, is there to fill memory.
_LONGEST_TOKEN = 1024 * 1024
_DEEPEST = 50


def parse_sitemap(data: Iterator[bytes], shown: str) -> Iterator[tuple[ListLine, bool]]:
    """Yield (address, is it a sitemap itself) of all that a sitemap or an index names.

    Raises:
        SourceError: it is no XML, or none that a sitemap needs; earlier pieces were yielded.
    """
    parser = _SitemapParser(shown)
    for piece in chain(filter(None, data), (b"",)):
        yield from parser.feed(piece, final=not piece)


class _SitemapParser:
    """Finds the addresses in XML that arrives piece by piece."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._found: list[tuple[ListLine, bool]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._size = self._fed = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity

    def feed(self, data: bytes, *, final: bool = False) -> list[tuple[ListLine, bool]]:
        """Return (address, is it a sitemap itself) of what became complete.

        Raises:
            SourceError: it is no XML, or none that a sitemap needs.
        """
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise SourceError(f"{self._shown}:{error.lineno} is no XML: {reason}") from error
        except (LookupError, ValueError) as error:
            raise SourceError(f"{self._shown} is XML in an unknown encoding") from error
        self._fed += len(data)
        if self._fed - self._parser.CurrentByteIndex > _LONGEST_TOKEN:
            raise self._error("holds a tag or comment that is too long")
        found, self._found = self._found, []
        return found

    def _error(self, fault: str) -> SourceError:
        return SourceError(f"{self._shown}:{self._parser.CurrentLineNumber} {fault}")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) == _DEEPEST:
            raise self._error("is nested too deeply for a sitemap")
        self._path.append(name.rpartition(" ")[2])
        self._text.clear()
        self._size = 0

    def _characters(self, text: str) -> None:
        if self._path[-1] == "loc" and self._size <= LONGEST_LINE:
            self._text.append(text)
            self._size += len(text)

    def _end(self, _name: str) -> None:
        if self._path[-2:] in (["url", "loc"], ["sitemap", "loc"]):
            line = ListLine(
                f"{self._shown}:{self._parser.CurrentLineNumber}", "".join(self._text).strip()
            )
            if self._size > LONGEST_LINE:
                line.error = BadUrlError(TOO_LONG)
            self._found.append((line, self._path[-2] == "sitemap"))
        self._path.pop()

    def _entity(self, *_declaration: object) -> None:
        raise self._error("declares an entity, which no sitemap needs")
