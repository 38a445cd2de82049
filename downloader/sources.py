"""Read lists of addresses, in any format, as a stream of targets.

A list is never held: bytes are read, uncompressed and parsed piece by piece, whatever its length.
A line that is no address becomes that line's :class:`~downloader.models.Failed`; a list that
cannot be read at all raises :class:`~downloader.errors.SourceError`.

Everything here blocks, and is meant to run in a thread of its own (see ``reader``).
"""

import csv
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from downloader import urls
from downloader.errors import BadUrlError, SourceError, UrlError
from downloader.models import Checksum, Failed, Target
from downloader.text import printable
from downloader.urls import Url

#: Gives the bytes behind a URL (of a sitemap that an index names), piece by piece.
FetchList = Callable[[Url], Iterator[bytes]]
#: A line's number, its text, and whether that is all of it.
_Numbered = tuple[int, str, bool]
#: What a list yields: a target, or the failure of the line that should have been one.
Entry = Target | Failed

STDIN = "-"
_CHUNK = 64 * 1024
#: No address is longer; what is, is no line but garbage, and must not fill memory.
_LONGEST_LINE = 64 * 1024
_TOO_LONG = "the line is too long for an address"
#: As much of a list as shows its format, unless its first line is shorter.
_HEAD = 1024
#: A row or an XML token that is longer, or deeper, is there to fill memory.
_LONGEST_ROW = _LONGEST_TOKEN = 1024 * 1024
_DEEPEST = 50
_JSON_LINES = ("jsonl", "ndjson")
_WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_SCHEME = re.compile(r"[^:/\\@]*:[/\\]+")
_HEADER_ROW = re.compile(r'(?:[\w "-]*[,\t])*"?url"?\s*(?:[,\t]|\Z)')
_OPTION = re.compile(r"\s+([a-z][a-z0-9-]*)=(.*)")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([\t -~\x80-\U0010FFFF]*)")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_GZIP = b"\x1f\x8b"
_BLANK = b"\0 \t\r\n" + b"".join(mark for mark, _ in _BOMS)
_DIGEST_BITS = {"md5": 128, "sha1": 160, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}


@dataclass(slots=True)
class _Line:
    """What one line of a list says, before it is checked."""

    origin: str
    text: str
    name: str | None = None
    checksum: str | None = None
    headers: list[str] = field(default_factory=list)
    error: UrlError | None = None


def is_address(source: str) -> bool:
    """Return whether a SOURCE of the command line is itself a URL and no list."""
    return _WEB_ADDRESS.match(source) is not None


def check(source: str) -> None:
    """Find out before anything is fetched whether a SOURCE can be read.

    Raises:
        SourceError: it cannot.
    """
    if is_address(source) or source == STDIN:
        return
    path = Path(source)
    shown = printable(source)
    if path.is_dir():
        raise SourceError(f"{shown} is a folder, not a list", hint="name a file inside it")
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise SourceError(
            f"there is no list {shown}", hint=f"if it is an address, write https://{shown}"
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {shown}: {_reason(error)}") from error


def read(sources: Iterable[str], fetch_list: FetchList) -> Iterator[Entry]:
    """Yield what the SOURCEs of a command line hold, in order.

    Raises:
        SourceError: a list cannot be read, or holds nothing; what came before was yielded.
    """
    index = 0
    for source in sources:
        empty = True
        for line in _lines_of(source, fetch_list):
            empty = False
            yield _entry(line, index)
            index += 1
        if empty:
            raise SourceError(f"{_shown(source)} holds no address")


def from_items(items: Iterable[str | Target]) -> Iterator[Entry]:
    """Yield targets for addresses that a program gives, numbered from 0.

    A :class:`Target` is taken as it is, but for its ``index``.
    """
    for index, item in enumerate(items):
        if isinstance(item, Target):
            yield Target(
                url=item.url,
                index=index,
                origin=item.origin or f"#{index + 1}",
                name=item.name,
                checksum=item.checksum,
                headers=item.headers,
            )
        else:
            yield _entry(_Line(f"#{index + 1}", item), index)


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of a header field written ``Name: value``.

    Raises:
        BadUrlError: it is no header field (RFC 9110, section 5).
    """
    match = _HEADER.fullmatch(text.strip())
    if match is None:
        raise BadUrlError(f"not a header field: {printable(text[:80])!r}", hint="write Name: value")
    return match[1], match[2]


def parse_checksum(text: str) -> Checksum:
    """Return a checksum written as ``sha-256=HEX`` (aria2), ``sha256:HEX`` or bare SHA-256 hex.

    Raises:
        BadUrlError: it is none, or its algorithm is unknown.
    """
    algorithm, _, digest = text.strip().lower().replace(":", "=").rpartition("=")
    algorithm = algorithm.replace("-", "") or "sha256"
    bits = _DIGEST_BITS.get(algorithm)
    if bits is None or not re.fullmatch(f"[0-9a-f]{{{bits // 4}}}", digest):
        raise BadUrlError(f"not a checksum: {printable(text[:80])!r}", hint="write sha-256=HEX")
    return Checksum(algorithm, digest)


def _entry(line: _Line, index: int) -> Entry:
    try:
        if line.error is not None:
            raise line.error
        return Target(
            url=urls.parse(line.text),
            index=index,
            origin=line.origin,
            name=line.name or None,
            checksum=parse_checksum(line.checksum) if line.checksum else None,
            headers=tuple(parse_header(header) for header in line.headers),
        )
    except UrlError as error:
        return Failed(
            index=index,
            origin=line.origin,
            url=_without_password(line.text),
            kind=error.kind,
            message=error.message,
            hint=error.hint,
        )


def _without_password(text: str) -> str:
    """Return a malformed address fit to be shown: short, and without what may be a password."""
    before, at, after = text.strip().rpartition("@")
    scheme = _SCHEME.match(before)
    start = scheme.end() if scheme else 0
    user, colon, _ = before[start:].partition(":")
    text = f"{before[:start]}{user}:***@{after}" if colon else f"{before}{at}{after}"
    return text if len(text) <= 200 else f"{text[:199]}…"


def _shown(source: str) -> str:
    return "standard input" if source == STDIN else printable(source)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _lines_of(source: str, fetch_list: FetchList) -> Iterator[_Line]:
    if is_address(source):
        yield _Line("command line", source)
        return
    shown = "stdin" if source == STDIN else printable(source)
    yield from _parse_list(_read_bytes(source), shown, PurePosixPath(source).name, fetch_list, 0)


def _read_bytes(source: str) -> Iterator[bytes]:
    """Yield the bytes of a file or of standard input, as soon as there are some."""
    if source == STDIN and sys.stdin is None:
        raise SourceError("standard input is closed")
    try:
        with (
            open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
            if source == STDIN
            else Path(source).open("rb", buffering=0)
        ) as stream:
            while data := os.read(stream.fileno(), _CHUNK):
                yield data
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {_shown(source)}: {_reason(error)}") from error


def _parse_list(
    data: Iterator[bytes], shown: str, name: str, fetch_list: FetchList, depth: int
) -> Iterator[_Line]:
    """Yield the lines of a list in whatever format it is, by its name or else by its look."""
    data, head = _peek(data)
    if head[:2] == _GZIP:
        name = name.lower().removesuffix(".gz")
        data, head = _peek(_gunzip(data, shown))
    encoding = next((label for mark, label in _BOMS if head.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in head:
        raise SourceError(f"{shown} is binary data, not a list of addresses")
    look = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n").partition("\n")[0].lower()
    kind = name.lower().rpartition(".")[2]
    if kind == "xml" or look.startswith(("<?xml", "<urlset", "<sitemapindex")):
        yield from _sitemap(data, shown, fetch_list, depth)
    elif kind in ("csv", "tsv"):
        yield from _table(_split(data, encoding), shown, "," if kind == "csv" else "\t")
    elif kind not in _JSON_LINES and _HEADER_ROW.match(look):
        separator = "\t" if "\t" in look else ","
        yield from _table(_split(data, encoding), shown, separator)
    elif kind in _JSON_LINES or look.startswith(("{", '"')):
        yield from _json_lines(_split(data, encoding), shown)
    else:
        yield from _text(_split(data, encoding), shown)


def _peek(data: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """Return *data* with its beginning: the first line that is not blank, or as much as needed."""
    head = b""
    for piece in data:
        head += piece
        if len(head) >= _HEAD or head[:2] == _GZIP or b"\n" in head.lstrip(_BLANK):
            break
    return chain((head,), data), head


def _gunzip(data: Iterator[bytes], shown: str) -> Iterator[bytes]:
    """Undo gzip (RFC 1952), several members allowed, in pieces of bounded size."""
    decompressor = zlib.decompressobj(wbits=31)
    try:
        for piece in data:
            while piece:
                if decompressor.eof:
                    # Zero padding is dropped, as gzip itself does.
                    if piece := piece.lstrip(b"\0"):
                        decompressor = zlib.decompressobj(wbits=31)
                    continue
                if text := decompressor.decompress(piece, _CHUNK):
                    yield text
                piece = decompressor.unused_data or decompressor.unconsumed_tail
    except zlib.error as error:
        raise SourceError(f"{shown} is corrupt gzip data") from error
    if not decompressor.eof:
        raise SourceError(f"{shown} is cut off: the gzip data has no end")


def _split(data: Iterator[bytes], encoding: str) -> Iterator[_Numbered]:
    """Yield numbered lines without their ends; of a line that is far too long, the beginning."""
    feed, mark = (b"\n\0", b"\r\0") if encoding == "utf-16-le" else (b"\n", b"\r")
    if encoding == "utf-16-be":
        feed, mark = b"\0\n", b"\0\r"

    def numbered(line: bytes) -> _Numbered:
        text = line.removesuffix(mark)[:_LONGEST_LINE].decode(encoding, "replace")
        return number, text.removeprefix("\ufeff") if number == 1 else text, not too_long(line)

    def too_long(line: bytes) -> bool:
        return len(line) > _LONGEST_LINE

    number, rest, skipping = 1, b"", False
    for piece in data:
        *lines, rest = _cut_lines(rest + piece, feed)
        for line in lines:
            if not skipping:
                yield numbered(line)
            number, skipping = number + 1, False
        if not skipping and len(rest) >= _LONGEST_LINE + len(feed):
            yield numbered(rest)
            skipping = True
        if skipping:
            # Half of a UTF-16 line feed may be here already.
            rest = rest[len(rest) - len(rest) % len(feed) :]
    if rest and not skipping:
        yield numbered(rest)


def _cut_lines(data: bytes, feed: bytes) -> list[bytes]:
    if len(feed) == 1:
        return data.split(feed)
    # A line feed in UTF-16 is two bytes at an even place.
    lines, start, at = [], 0, data.find(feed)
    while at >= 0:
        if at % 2 == 0:
            lines.append(data[start:at])
            start = at + 2
        at = data.find(feed, at + 1)
    lines.append(data[start:])
    return lines


def _text(lines: Iterator[_Numbered], shown: str) -> Iterator[_Line]:
    """One address a line; indented ``key=value`` lines below it are its options, as in aria2."""
    current: _Line | None = None
    try:
        for number, text, whole in lines:
            origin, said = f"{shown}:{number}", text.strip()
            if not said or said.startswith("#"):
                continue
            option = _OPTION.fullmatch(text)
            if option is None:
                if current is not None:
                    yield current
                current = _Line(origin, said, error=None if whole else BadUrlError(_TOO_LONG))
            elif current is None:
                yield _Line(origin, said, error=BadUrlError("an option without an address"))
            else:
                _set_option(current, option[1], option[2].strip(), origin)
                if not whole:
                    current.error = BadUrlError(_TOO_LONG)
    except SourceError:
        # What the readable part says still holds, its last line too.
        if current is not None:
            yield current
        raise
    if current is not None:
        yield current


def _set_option(line: _Line, key: str, value: str, origin: str) -> None:
    match key:
        case "out":
            line.name = value
        case "checksum":
            line.checksum = value
        case "header":
            line.headers.append(value)
        case _:
            line.error = BadUrlError(
                f"unknown option {key}= at {origin}", hint="known are out=, checksum= and header="
            )


def _table(lines: Iterator[_Numbered], shown: str, separator: str) -> Iterator[_Line]:
    """CSV or TSV (RFC 4180) with a column ``url``, and perhaps ``name`` and ``sha256``."""
    reached = first = held = 0
    complete = True

    def texts() -> Iterator[str]:
        nonlocal reached, held, complete
        for reached, text, whole in lines:  # noqa: B007 - it is read below
            complete = complete and whole
            held += len(text)
            if held > _LONGEST_ROW:
                raise SourceError(f"the row at {shown}:{first} has no end", hint="check its quotes")
            # A quote whose end was cut off must not swallow the lines that follow.
            yield f"{text}\n" if whole else text.replace('"', "") + "\n"

    rows = csv.reader(texts(), delimiter=separator)
    columns: list[str] | None = None
    while True:
        first, held, complete = reached + 1, 0, True
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield _Line(f"{shown}:{first}", "", error=BadUrlError(f"broken row: {error}"))
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = [cell.strip().lower() for cell in row]
            if "url" not in columns:
                raise SourceError(f"{shown} has no column named url", hint="name it in line 1")
            continue
        cells = dict(zip(columns, row, strict=False))
        yield _Line(
            f"{shown}:{first}",
            cells.get("url", "").strip(),
            name=cells.get("name", "").strip() or None,
            checksum=cells.get("sha256", "").strip() or None,
            error=None if complete else BadUrlError(_TOO_LONG),
        )


def _json_lines(lines: Iterator[_Numbered], shown: str) -> Iterator[_Line]:
    """One JSON object with a member ``url`` a line, or one JSON string."""
    for number, text, whole in lines:
        if not text.strip():
            continue
        origin = f"{shown}:{number}"
        if not whole:
            yield _Line(origin, text, error=BadUrlError(_TOO_LONG))
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            yield _Line(origin, text, error=BadUrlError("not a JSON value"))
            continue
        members = {"url": value} if isinstance(value, str) else value
        if not isinstance(members, dict) or not isinstance(members.get("url"), str):
            yield _Line(origin, text, error=BadUrlError("no member url in the JSON value"))
            continue
        line = _Line(origin, members["url"])
        line.name, line.checksum = members.get("name"), members.get("sha256")
        if not all(isinstance(value, str | None) for value in (line.name, line.checksum)):
            line.error = BadUrlError("name and sha256 must be strings")
        yield line


class _SitemapParser:
    """Finds the addresses in a sitemap or sitemap index (sitemaps.org protocol 0.9), streaming."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._found: list[tuple[_Line, bool]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._size = self._fed = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity

    def feed(self, data: bytes, *, final: bool = False) -> list[tuple[_Line, bool]]:
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
        if self._path[-1] == "loc" and self._size <= _LONGEST_LINE:
            self._text.append(text)
            self._size += len(text)

    def _end(self, _name: str) -> None:
        if self._path[-2:] in (["url", "loc"], ["sitemap", "loc"]):
            line = _Line(
                f"{self._shown}:{self._parser.CurrentLineNumber}", "".join(self._text).strip()
            )
            if self._size > _LONGEST_LINE:
                line.error = BadUrlError(_TOO_LONG)
            self._found.append((line, self._path[-2] == "sitemap"))
        self._path.pop()

    def _entity(self, *_declaration: object) -> None:
        raise self._error("declares an entity, which no sitemap needs")


def _sitemap(
    data: Iterator[bytes], shown: str, fetch_list: FetchList, depth: int
) -> Iterator[_Line]:
    parser = _SitemapParser(shown)
    for piece in chain(filter(None, data), (b"",)):
        for line, nested in parser.feed(piece, final=not piece):
            if nested and line.error is None:
                yield from _nested_sitemap(line.text, line.origin, fetch_list, depth)
            else:
                yield line


def _nested_sitemap(
    address: str, origin: str, fetch_list: FetchList, depth: int
) -> Iterator[_Line]:
    """Yield what a sitemap named by an index holds, or the failure to get it."""
    if depth:
        # "Sitemap index files may not list other index files" (sitemaps.org); this ends loops.
        yield _Line(origin, address, error=BadUrlError("an index inside a sitemap index"))
        return
    try:
        url = urls.parse(address)
        data = fetch_list(url)
        name = PurePosixPath(urls.split(url)[1]).name
        yield from _parse_list(data, urls.redact(url), name, fetch_list, depth + 1)
    except UrlError as error:
        yield _Line(origin, address, error=error)
    except SourceError as error:
        yield _Line(origin, address, error=BadUrlError(error.message))
