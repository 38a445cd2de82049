"""Addresses in JSON: web app manifests and import maps."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from downloader.links.model import LinkKind

_TOKEN = re.compile(r'[^"{}\[\],:]*+(?:"((?:[^"\\]++|\\.)*+)"|([{}\[\],:]))')
_ELEMENT = "*"
#: Deeper than this nothing is looked for.
_DEEPEST = 8
#: Web Application Manifest: members that hold an address, by their path.
_MANIFEST = {
    ("icons", _ELEMENT, "src"): LinkKind.ICON,
    ("screenshots", _ELEMENT, "src"): LinkKind.IMAGE,
    ("shortcuts", _ELEMENT, "icons", _ELEMENT, "src"): LinkKind.ICON,
    ("shortcuts", _ELEMENT, "url"): LinkKind.RELATED,
    ("start_url",): LinkKind.RELATED,
    ("share_target", "action"): LinkKind.FORM,
    ("file_handlers", _ELEMENT, "action"): LinkKind.FORM,
    ("file_handlers", _ELEMENT, "icons", _ELEMENT, "src"): LinkKind.ICON,
    ("related_applications", _ELEMENT, "url"): LinkKind.REFERENCE,
}


@dataclass(frozen=True, slots=True)
class JsonString:
    """A string in JSON.

    Attributes:
        path: the names that lead to it; ``*`` is an element of an array.
        start, end: its content, without quotes.
        value: what it means.
        name: whether it is the name of a member, the last one of its own path.
    """

    path: tuple[str, ...]
    start: int
    end: int
    value: str
    name: bool


def manifest(text: str) -> Iterator[tuple[LinkKind, JsonString]]:
    """Yield the addresses in a web app manifest."""
    for string in _strings(text):
        kind = _MANIFEST.get(string.path)
        if kind is not None and not string.name:
            yield kind, string


def import_map(text: str) -> Iterator[JsonString]:
    """Yield the addresses of modules in an import map (HTML standard, 8.1.6.2)."""
    for string in _strings(text):
        mapped = string.path[:1] == ("imports",) and len(string.path) == 2
        scoped = string.path[:1] == ("scopes",) and len(string.path) == 3
        # A name that ends in a slash stands for many modules: its value is no address of one.
        if (mapped or scoped) and not string.name and not string.path[-1].endswith("/"):
            yield string


def integrity(text: str) -> JsonString | None:
    """Return the name of the member of an import map that says what its modules hash to."""
    names = (string for string in _strings(text) if string.name)
    return next((name for name in names if name.path == ("integrity",)), None)


def escape(url: str, *, module: bool) -> str:
    r"""Return *url* as it may stand in a string; with *module*, never as a bare name.

    >>> escape("a<b.js", module=True)
    './a\\u003cb.js'
    """
    if module and not re.match(r"\.{0,2}/|[A-Za-z][A-Za-z0-9+.-]*:", url):
        url = f"./{url}"
    return "".join(f"\\u{ord(char):04x}" if char in '"\\<>&' else char for char in url)


def _strings(text: str) -> Iterator[JsonString]:
    """Yield all strings, if *text* is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return
    path: list[str] = []
    objects: list[bool] = []
    naming, position = False, 0
    while match := _TOKEN.match(text, position):
        position = match.end()
        content, mark = match.groups()
        if content is not None:
            value = json.loads(f'"{content}"', strict=False) if "\\" in content else content
            if naming:
                path[-1] = value
            if len(path) <= _DEEPEST:
                yield JsonString(tuple(path), *match.span(1), value, naming)
        elif mark in "{[":
            objects.append(mark == "{")
            path.append(_ELEMENT)
            naming = mark == "{"
        elif mark in "}]":
            objects.pop()
            path.pop()
            naming = False
        else:
            naming = mark == "," and bool(objects) and objects[-1]
