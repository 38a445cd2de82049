"""Addresses of modules, workers and files beside a script, which stand in it as plain strings.

The grammar is that of tree-sitter; a regular expression only says where to look, so that most
scripts, which import nothing, are not parsed at all.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

from downloader.links.model import LinkKind

_LANGUAGE = Language(tree_sitter_javascript.language())
_SPACE = rb"(?:\s++|/\*(?:[^*]++|\*(?!/))*+\*/|//[^\n]*+\n)*+"
_STRING = rb"""(?P<string>"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'|`[^`\\$]*+`)"""
_PLACE = re.compile(
    rb"(?<![\w$.#])(?:from|import|new" + _SPACE + rb"(?P<new>URL|Worker|SharedWorker))"
    + _SPACE + rb"(?P<call>\()?+" + _SPACE + _STRING, re.DOTALL
)  # fmt: skip
_BESIDE = re.compile(rb"import\s*\.\s*meta\s*\.\s*url")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(.))",
    re.DOTALL,
)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
#: Only these are addresses; any other specifier is a name for an import map (HTML, 8.1.6.2).
_ADDRESS = re.compile(r"\.{0,2}/|[A-Za-z][A-Za-z0-9+.-]*:")
#: A folder is not asked for: addresses of files are made of it.
_FILE = re.compile(r"(?:[^?#]*/)?+(?!\.{0,2}(?:[?#]|\Z))")
_KINDS = {
    "new URL()": LinkKind.FETCH,
    "new Worker()": LinkKind.SCRIPT,
    "new SharedWorker()": LinkKind.SCRIPT,
}
_STRINGS = {"string", "template_string"}
_STATEMENTS = {"import_statement", "export_statement"}


@dataclass(frozen=True, slots=True)
class ScriptImport:
    """A string in a script that names a module or another file.

    Attributes:
        start, end: its content, without quotes, in characters.
        value: what it means.
        quote: ``"``, ``'`` or a backquote.
        where: ``import``, ``export``, ``import()``, ``new URL()`` or ``new Worker()``.
        kind: a module, a script or anything that a script asks for.
    """

    start: int
    end: int
    value: str
    quote: str
    where: str
    kind: LinkKind


def imports(text: str, *, page: bool = False) -> Iterator[ScriptImport]:
    """Yield static imports, ``export … from``, and ``import()`` of a plain string.

    A specifier that is a bare name (``"lodash"``) is no address and not among them. Beside these:
    ``new URL("…", import.meta.url)``, and in the script of a *page*, to which it is relative,
    ``new Worker("…")``.
    """
    if "import" not in text and "from" not in text and not (page and "Worker" in text):
        return
    data = text.encode("utf-8", "replace")
    places = [place for place in _PLACE.finditer(data) if _may_be_address(place)]
    if not places:
        return
    tree = Parser(_LANGUAGE).parse(data)
    characters = position = 0
    for place, node, around in _nodes(tree, places):
        start, end = place.span("string")
        where = _construct(node, around, place)
        if where and (page or not where.endswith("Worker()")):
            characters += len(data[position : start + 1].decode())
            position = start + 1
            written = data[start + 1 : end - 1].decode()
            value = _ESCAPE.sub(_unescape, written)
            if _FILE.match(value) if place["new"] else _ADDRESS.match(value):
                last = characters + len(written)
                kind = _KINDS.get(where, LinkKind.MODULE)
                yield ScriptImport(characters, last, value, chr(data[start]), where, kind)


def _may_be_address(place: re.Match[bytes]) -> bool:
    """Return whether a string might be an address; long lists of words are full of ``from``."""
    start, end = place.span("string")
    written = place.string[start + 1 : end - 1]
    return bool(place["new"]) or b"\\" in written or _ADDRESS.match(written.decode()) is not None


def escape(url: str, quote: str, *, markup: bool) -> str:
    r"""Return *url* as it may stand in a string, never as a bare name.

    >>> escape("a'b.js", "'", markup=False)
    "./a\\x27b.js"
    """
    if not _ADDRESS.match(url):
        url = f"./{url}"
    special = {"\\", "<", ">", quote, "$" if quote == "`" else quote, *("&" if markup else "")}
    return url.translate({ord(char): f"\\x{ord(char):02x}" for char in special})


def _nodes(
    tree: Tree, places: Sequence[re.Match[bytes]]
) -> Iterator[tuple[re.Match[bytes], Node, Sequence[Node]]]:
    """Yield the strings at *places*, each with the nodes around it, the nearest last.

    Each node is visited once: to ask for the node at a place, or for the parent of one, takes as
    long as it is deep, and a script may consist of nothing but calls within calls.
    """
    cursor, around, index = tree.walk(), list[Node](), 0
    while node := cursor.node:
        while index < len(places) and places[index].start("string") < node.start_byte:
            index += 1
        if index == len(places):
            return
        span = places[index].span("string")
        if node.type in _STRINGS and (node.start_byte, node.end_byte) == span:
            yield places[index], node, around
        elif span[0] < node.end_byte and cursor.goto_first_child():
            around.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            around.pop()


def _construct(node: Node, around: Sequence[Node], place: re.Match[bytes]) -> str:
    """Return what a string belongs to, or nothing if not to an import."""
    if len(around) < 2:
        return ""
    call, parent = around[-2:]
    if place["new"]:
        return _constructor(node, parent, call)
    if place["call"]:
        function = call.child_by_field_name("function")
        return "import()" if function is not None and function.type == "import" else ""
    if parent.type in _STATEMENTS and node.type == "string":
        return parent.type.removesuffix("_statement")
    return ""


def _constructor(first: Node, arguments: Node, made: Node) -> str:
    """Return what is made with *first* as the first of its *arguments*, if that is an address."""
    name = made.child_by_field_name("constructor")
    others = arguments.named_children
    if name is None or name.text is None or not others or others[0] != first:
        return ""
    if name.text != b"URL":
        return f"new {name.text.decode()}()"
    base = others[1].text if len(others) == 2 else None
    return "new URL()" if base and _BESIDE.fullmatch(base) else ""


def _unescape(match: re.Match[str]) -> str:
    braced, long, short, line_break, char = match.groups()
    code = braced or long or short
    if code:
        return chr(min(int(code, 16), 0x10FFFF))
    return "" if line_break else _CONTROLS.get(char, char)
