"""References in JSON: web app manifests and import maps."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from downloader.links.model import LinkKind

_TOKEN = re.compile(r'[^"{}\[\],:]*+(?:"((?:[^"\\]++|\\.)*+)"|([{}\[\],:]))')
#: Stands for the index of an array element in a path.
_ANY_INDEX = "*"
#: Longer manifests and import maps are not read: those of applications have some kilobytes.
MAX_JSON_CHARACTERS = 4 * 1024**2
#: Strings that are nested deeper are skipped.
_MAX_DEPTH = 8
#: Members of a web app manifest that are a URL, by their path (Web Application Manifest).
_MANIFEST_URLS = {
    ("icons", _ANY_INDEX, "src"): LinkKind.ICON,
    ("screenshots", _ANY_INDEX, "src"): LinkKind.IMAGE,
    ("shortcuts", _ANY_INDEX, "icons", _ANY_INDEX, "src"): LinkKind.ICON,
    ("shortcuts", _ANY_INDEX, "url"): LinkKind.RELATED,
    ("start_url",): LinkKind.RELATED,
    ("share_target", "action"): LinkKind.FORM,
    ("file_handlers", _ANY_INDEX, "action"): LinkKind.FORM,
    ("file_handlers", _ANY_INDEX, "icons", _ANY_INDEX, "src"): LinkKind.ICON,
    ("related_applications", _ANY_INDEX, "url"): LinkKind.METADATA,
}


@dataclass(frozen=True, slots=True)
class JsonString:
    """A string in JSON.

    Attributes:
        path: the member names that lead to it; ``*`` stands for an array index.
        start, end: the span of its content, without quotes.
        value: its content, escapes decoded.
        is_name: whether it is the name of a member: the last name of its own path.
    """

    path: tuple[str, ...]
    start: int
    end: int
    value: str
    is_name: bool


def manifest_references(text: str) -> Iterator[tuple[LinkKind, JsonString]]:
    """Yield the references in a web app manifest."""
    for string in _strings(text):
        kind = _MANIFEST_URLS.get(string.path)
        if kind is not None and not string.is_name:
            yield kind, string


def import_map_references(text: str) -> Iterator[JsonString]:
    """Yield the references to modules in an import map (HTML standard, 8.1.6.2)."""
    for string in _strings(text):
        in_imports = string.path[:1] == ("imports",) and len(string.path) == 2
        in_scope = string.path[:1] == ("scopes",) and len(string.path) == 3
        # A name that ends in a slash is a prefix: its value is not the URL of a module.
        if (in_imports or in_scope) and not string.is_name and not string.path[-1].endswith("/"):
            yield string


def integrity_member(text: str) -> JsonString | None:
    """Return the name of the ``integrity`` member of an import map."""
    names = (string for string in _strings(text) if string.is_name)
    return next((name for name in names if name.path == ("integrity",)), None)


def escape(url: str, *, is_module: bool) -> str:
    r"""Return *url* as the content of a string; for a module, never as a bare specifier.

    >>> escape("a<b.js", is_module=True)
    './a\\u003cb.js'
    """
    if is_module and not re.match(r"\.{0,2}/|[A-Za-z][A-Za-z0-9+.-]*:", url):
        url = f"./{url}"
    return "".join(f"\\u{ord(char):04x}" if char in '"\\<>&' else char for char in url)


def _strings(text: str) -> Iterator[JsonString]:
    """Yield all strings of *text*; none if it is not JSON, or too long."""
    if len(text) > MAX_JSON_CHARACTERS:
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return
    path: list[str] = []
    #: Whether each open bracket is that of an object.
    is_object: list[bool] = []
    expects_name, position = False, 0
    while match := _TOKEN.match(text, position):
        position = match.end()
        content, punctuation = match.groups()
        if content is not None:
            value = json.loads(f'"{content}"', strict=False) if "\\" in content else content
            if expects_name:
                path[-1] = value
            if len(path) <= _MAX_DEPTH:
                yield JsonString(tuple(path), *match.span(1), value, expects_name)
        elif punctuation in "{[":
            is_object.append(punctuation == "{")
            path.append(_ANY_INDEX)
            expects_name = punctuation == "{"
        elif punctuation in "}]":
            is_object.pop()
            path.pop()
            expects_name = False
        else:
            expects_name = punctuation == "," and bool(is_object) and is_object[-1]
