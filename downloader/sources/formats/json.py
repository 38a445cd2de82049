"""JSON: an array of strings or objects, or an object that has such an array; read as it arrives."""

import codecs
import json
import re
from collections.abc import Iterator

from downloader.errors import BadUrlError
from downloader.sources.entries import ListLine
from downloader.sources.json_records import JsonRecords
from downloader.sources.list_input import ListInput

#: Characters of one item; a longer one fails, and is not kept in memory.
_MAX_ITEM_LENGTH = 1024 * 1024
#: The members of an object that may be the list: of JSON Feed, of reports, and of other programs.
_LISTS = frozenset({"items", "records", "urls", "links", "results", "data"})
_MAX_NAME_LENGTH = max(map(len, _LISTS)) + 1
#: A string has no line feed, so that a missing quote is found.
_IN_STRING = re.compile(r'["\\\n]')
_STRUCTURE = re.compile(r'["\[\]{},\n]')


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the address of each item, with ``name`` and ``sha256`` if it has them.

    Items are counted from 1. One that is no JSON fails alone.
    """
    records = JsonRecords(source.label, source.settings)
    decoder = codecs.getincrementaldecoder(source.encoding)("replace")
    splitter = _Splitter()
    number = 0
    for chunk in source.chunks:
        for item in splitter.feed(decoder.decode(chunk)):
            number += 1
            yield from _lines(records, f"{source.label}:{number}", item)
    for item in splitter.finish():
        number += 1
        yield from _lines(records, f"{source.label}:{number}", item)
    if splitter.is_cut_off:
        source.settings.note(f"{source.label} is cut off: the JSON has no end")


def _lines(records: JsonRecords, origin: str, item: str | None) -> Iterator[ListLine]:
    if item is None:
        yield ListLine(origin, "", error=BadUrlError("the JSON value is too long"))
        return
    try:
        value: object = json.loads(item)
    except (ValueError, RecursionError):
        yield ListLine(origin, item, error=BadUrlError("not a JSON value"))
        return
    if (line := records.line(origin, value)) is not None:
        yield line


class _Splitter:
    """Finds the items of a list in JSON text that arrives in pieces, in linear time.

    It looks at quotes, brackets and separators alone, so that a broken item hides no other.

    Attributes:
        is_cut_off: whether the text ended within an array or object; known after :meth:`finish`.
    """

    def __init__(self) -> None:
        self.is_cut_off = False
        #: The item that has begun, unless it is too long, and its length.
        self._parts: list[str] = []
        self._length = 0
        self._depth = 0
        #: The depth of the items: 0 outside of lists, 1 in an array, 2 in a member of an object.
        self._item_depth = 0
        self._in_string = self._escaped = False
        #: Whether an object is open at the top, and the beginning of the last name in it.
        self._in_object = False
        self._name = ""
        #: Whether it has a list, so that it is no item itself.
        self._has_list = False

    def feed(self, text: str) -> Iterator[str | None]:
        """Yield the items that *text* completes; None for one that is too long."""
        at = start = string_start = 0
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (_IN_STRING if self._in_string else _STRUCTURE).search(text, at)
            if match is None:
                break
            at, mark = match.end(), match[0]
            if self._in_string:
                self._escaped = mark == "\\"
                if not self._escaped:
                    self._in_string = False
                    self._add_to_name(text[string_start : match.start()])
            elif mark == '"':
                self._in_string = True
                string_start = at
                self._name = "" if self._is_among_names() else self._name
            elif mark == "[" and self._begins_list():
                if not self._in_object:
                    yield from self._take(text[start : match.start()])
                self._parts, self._length, start = [], 0, at
                self._depth += 1
                self._item_depth = self._depth
                self._has_list = self._in_object
            elif mark in "[{":
                self._in_object = self._in_object or (mark == "{" and not self._depth)
                self._depth += 1
            elif mark in ",\n":
                # Outside of arrays, values stand on lines of their own.
                if self._depth == self._item_depth and (mark == "," or not self._depth):
                    yield from self._take(text[start : match.start()])
                    start = at
            elif self._depth > max(1, self._item_depth):
                self._depth -= 1
            else:
                # The end of a list, or of a value outside of lists.
                is_end_of_value = self._depth > 0 and not self._item_depth
                if not (self._has_list and is_end_of_value):
                    yield from self._take(text[start : at if is_end_of_value else match.start()])
                self._parts, self._length, start = [], 0, at
                self._depth = max(0, self._depth - 1)
                self._item_depth = 0
                if not self._depth:
                    self._in_object = self._has_list = False
        if self._in_string:
            self._add_to_name(text[string_start:])
        self._keep(text[start:])

    def finish(self) -> Iterator[str | None]:
        """Yield the last item, which may be cut off."""
        self.is_cut_off = self._depth > 0
        if not self._has_list or self._item_depth:
            yield from self._take("")

    def _is_among_names(self) -> bool:
        """Return whether strings here are names or values in the object at the top."""
        return self._in_object and self._depth == 1

    def _begins_list(self) -> bool:
        if self._item_depth:
            return False
        return not self._depth or (self._is_among_names() and self._name in _LISTS)

    def _add_to_name(self, text: str) -> None:
        if self._is_among_names() and not self._item_depth:
            self._name = (self._name + text[:_MAX_NAME_LENGTH])[:_MAX_NAME_LENGTH]

    def _keep(self, text: str) -> None:
        self._length += len(text)
        if self._length <= _MAX_ITEM_LENGTH:
            self._parts.append(text)
        else:
            self._parts = []

    def _take(self, text: str) -> Iterator[str | None]:
        """Yield the item that ends with *text*, unless it is blank."""
        self._keep(text)
        item, is_too_long = "".join(self._parts), self._length > _MAX_ITEM_LENGTH
        self._parts, self._length = [], 0
        if is_too_long:
            yield None
        elif item.strip(" \t\r\n\ufeff"):
            yield item.strip(" \t\r\n\ufeff")
