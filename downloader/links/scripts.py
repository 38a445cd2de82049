"""Addresses that a script imports: those that stand in it as plain strings.

The grammar is that of tree-sitter; a regular expression only says where to look, so that most
scripts, which import nothing, are not parsed at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_javascript.language())
_SPACE = rb"(?:\s++|/\*(?:[^*]++|\*(?!/))*+\*/|//[^\n]*+\n)*+"
_STRING = rb"""(?P<string>"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'|`[^`\\$]*+`)"""
_PLACE = re.compile(
    rb"(?<![\w$.#])(?:from|import)" + _SPACE + rb"(?P<call>\()?+" + _SPACE + _STRING, re.DOTALL
)
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(.))",
    re.DOTALL,
)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
#: Only these are addresses; any other specifier is a name for an import map (HTML, 8.1.6.2).
_ADDRESS = re.compile(r"\.{0,2}/|[A-Za-z][A-Za-z0-9+.-]*:")
_STATEMENTS = {"import_statement", "export_statement"}


@dataclass(frozen=True, slots=True)
class Import:
    """A string in a script that names a module.

    Attributes:
        start, end: its content, without quotes, in characters.
        value: what it means.
        quote: ``"``, ``'`` or a backquote.
        where: ``import``, ``export`` or ``import()``.
    """

    start: int
    end: int
    value: str
    quote: str
    where: str


def imports(text: str) -> Iterator[Import]:
    """Yield static imports, ``export … from``, and ``import()`` of a plain string.

    A specifier that is a bare name (``"lodash"``) is no address and not among them.
    """
    if "import" not in text and "from" not in text:
        return
    data = text.encode("utf-8", "replace")
    places = list(_PLACE.finditer(data))
    if not places:
        return
    root = Parser(_LANGUAGE).parse(data).root_node
    characters = position = 0
    for place in places:
        start, end = place.span("string")
        where = _construct(root, start, end, called=place["call"] is not None)
        if where:
            characters += len(data[position : start + 1].decode())
            position = start + 1
            written = data[start + 1 : end - 1].decode()
            value = _ESCAPE.sub(_unescape, written)
            if _ADDRESS.match(value):
                last = characters + len(written)
                yield Import(characters, last, value, chr(data[start]), where)


def escape(url: str, quote: str, *, markup: bool) -> str:
    r"""Return *url* as it may stand in a string, never as a bare name.

    >>> escape("a'b.js", "'", markup=False)
    "./a\\x27b.js"
    """
    if not _ADDRESS.match(url):
        url = f"./{url}"
    special = {"\\", "<", ">", quote, "$" if quote == "`" else quote, *("&" if markup else "")}
    return url.translate({ord(char): f"\\x{ord(char):02x}" for char in special})


def _construct(root: Node, start: int, end: int, *, called: bool) -> str:
    """Return what the string from *start* to *end* belongs to, or nothing if not to an import."""
    node = root.descendant_for_byte_range(start, end)
    parent = node.parent if node else None
    if node is None or parent is None or (node.start_byte, node.end_byte) != (start, end):
        return ""
    if called:
        call = parent.parent
        function = call.child_by_field_name("function") if call else None
        return "import()" if function is not None and function.type == "import" else ""
    if parent.type in _STATEMENTS and node.type == "string":
        return parent.type.removesuffix("_statement")
    return ""


def _unescape(match: re.Match[str]) -> str:
    braced, long, short, line_break, char = match.groups()
    code = braced or long or short
    if code:
        return chr(min(int(code, 16), 0x10FFFF))
    return "" if line_break else _CONTROLS.get(char, char)
