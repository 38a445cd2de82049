"""References in JavaScript: the modules, workers and files that it names by plain strings.

The grammar is that of tree-sitter. A regular expression finds the candidates first, so that
scripts without imports, which are most, are not parsed at all.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Tree

from downloader.links.model import LinkKind

_LANGUAGE = Language(tree_sitter_javascript.language())
#: Words that a string with a reference follows, perhaps after comments. What stands before a word
#: is looked at last, because an expression is searched quickest if it begins with letters.
_KEYWORD = re.compile(
    rb"(?:from(?<![\w$.#]from)|import(?<![\w$.#]import)|new(?<![\w$.#]new))(?=[\s/\"'`(])"
)
_CONSTRUCTOR = re.compile(rb"URL|Worker|SharedWorker")
_SPACES = re.compile(rb"\s*+")
_STRING = re.compile(
    rb"""(?P<string>"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+'|`[^`\\$]*+`)""", re.DOTALL
)
#: Comments between a keyword and its string, and the bytes of all that stands between them. Without
#: a limit, keywords in comments that are never closed would take time that grows as a square.
_MAX_COMMENTS_BETWEEN, _MAX_BYTES_BETWEEN = 8, 4096
_IMPORT_META_URL = re.compile(rb"import\s*\.\s*meta\s*\.\s*url")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(.))",
    re.DOTALL,
)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
#: A specifier that is a URL; any other is a bare one, for an import map (HTML, 8.1.6.2).
_URL_SPECIFIER = re.compile(r"\.{0,2}/|[A-Za-z][A-Za-z0-9+.-]*:")
#: The URL of a file: that of a folder is only used to make others.
_FILE_URL = re.compile(r"(?:[^?#]*/)?+(?!\.{0,2}(?:[?#]|\Z))")
_KINDS = {
    "new URL()": LinkKind.FETCH,
    "new Worker()": LinkKind.SCRIPT,
    "new SharedWorker()": LinkKind.SCRIPT,
}
#: The parser calls back after every 100 steps, which is once in 60 bytes of usual code. To go on
#: after errors, it tries several ways, which for 5 kB of nothing but errors takes seconds.
_PARSER_CALLS, _BYTES_PER_PARSER_CALL = 200, 8
_READ_BYTES = 64 * 1024
#: Longer scripts are not parsed: a syntax tree takes some 50 times as much memory as its script.
MAX_SCRIPT_CHARACTERS = 10 * 1024**2
_STRING_NODES = {"string", "template_string"}
_IMPORTING_STATEMENTS = {"import_statement", "export_statement"}


class ScriptTooComplexError(Exception):
    """A script that is not parsed, because that could take for ever."""


@dataclass(frozen=True, slots=True)
class ScriptReference:
    """A string in a script that names a module or another file.

    Attributes:
        start, end: the span of its content, without quotes, in characters.
        value: its content, escapes decoded.
        quote: ``"``, ``'`` or a backquote.
        construct: ``import``, ``export``, ``import()``, ``new URL()`` or ``new Worker()``.
        kind: a module, a script, or a file that the script requests.
    """

    start: int
    end: int
    value: str
    quote: str
    construct: str
    kind: LinkKind


class _Candidate(NamedTuple):
    """A string that may be a reference.

    Attributes:
        start, end: its span with its quotes, in bytes.
        is_new: whether it follows ``new`` and the name of a constructor.
        is_call: whether it follows an opening parenthesis.
    """

    start: int
    end: int
    is_new: bool
    is_call: bool


def references(text: str, *, is_inline: bool = False) -> Iterator[ScriptReference]:
    """Yield the references of a script.

    These are static imports, ``export … from "…"``, ``import("…")`` and
    ``new URL("…", import.meta.url)``; in an inline script also ``new Worker("…")``, which is
    relative to the page. Bare specifiers (``"lodash"``) are no URLs and left out.

    Raises:
        ScriptTooComplexError: the script is too long, or cannot be parsed in time proportional to
            its length.
    """
    if "import" not in text and "from" not in text and not (is_inline and "Worker" in text):
        return
    if len(text) > MAX_SCRIPT_CHARACTERS:
        raise ScriptTooComplexError
    data = text.encode("utf-8", "replace")
    candidates = [candidate for candidate in _candidates(data) if _may_be_url(data, candidate)]
    if not candidates:
        return
    tree = _parse(data)
    # Characters before the byte at `position`.
    characters = position = 0
    for candidate, node, ancestors in _string_nodes(tree, candidates):
        start, end = candidate.start, candidate.end
        construct = _construct(node, ancestors, candidate)
        if construct and (is_inline or not construct.endswith("Worker()")):
            characters += len(data[position : start + 1].decode())
            position = start + 1
            written = data[start + 1 : end - 1].decode()
            value = _ESCAPE.sub(_unescape, written)
            if (_FILE_URL if candidate.is_new else _URL_SPECIFIER).match(value):
                last = characters + len(written)
                kind = _KINDS.get(construct, LinkKind.MODULE)
                yield ScriptReference(characters, last, value, chr(data[start]), construct, kind)


def _candidates(data: bytes) -> Iterator[_Candidate]:
    """Yield the strings that stand where a reference could, in order."""
    position, searched = 0, -1
    while keyword := _KEYWORD.search(data, position):
        position = keyword.end()
        last = position + _MAX_BYTES_BETWEEN
        start = _skip_comments(data, position, last)
        is_new = keyword[0] == b"new"
        if is_new:
            constructor = _CONSTRUCTOR.match(data, start)
            if constructor is None:
                continue
            start = _skip_comments(data, constructor.end(), last)
        is_call = data[start : start + 1] == b"("
        if is_call:
            start = _skip_comments(data, start + 1, last)
        # Several keywords may lead to one string; its end is searched once.
        string = _STRING.match(data, start) if start != searched else None
        searched = start
        if string is not None:
            position = string.end()
            yield _Candidate(start, position, is_new, is_call)


def _parse(data: bytes) -> Tree:
    """Return the syntax tree of a script.

    Raises:
        ScriptTooComplexError: the parser has tried too many ways to make sense of it.
    """
    remaining_calls = _PARSER_CALLS + len(data) // _BYTES_PER_PARSER_CALL

    def is_exhausted(_: int, __: bool) -> bool:  # as the parser calls it
        nonlocal remaining_calls
        remaining_calls -= 1
        return remaining_calls < 0

    try:
        return Parser(_LANGUAGE).parse(
            lambda start, _: data[start : start + _READ_BYTES], progress_callback=is_exhausted
        )
    except ValueError as error:
        raise ScriptTooComplexError from error


def _skip_comments(data: bytes, position: int, last: int) -> int:
    """Return the position behind whitespace and comments, or *last* if they go on beyond it."""
    for _ in range(_MAX_COMMENTS_BETWEEN):
        spaces = _SPACES.match(data, position, last)
        position = spaces.end() if spaces else position
        if data.startswith(b"/*", position):
            end = data.find(b"*/", position + 2, last) + 2
        elif data.startswith(b"//", position):
            end = data.find(b"\n", position + 2, last) + 1
        else:
            return position
        if end <= position:
            return last
        position = end
    return position


def _may_be_url(data: bytes, candidate: _Candidate) -> bool:
    """Return whether a string may be a URL: the word ``from`` is common in lists of words."""
    written = data[candidate.start + 1 : candidate.end - 1]
    return (
        candidate.is_new or b"\\" in written or _URL_SPECIFIER.match(written.decode()) is not None
    )


def escape(url: str, quote: str, *, markup: bool) -> str:
    r"""Return *url* as the content of a string, never as a bare specifier.

    With *markup*, ``&`` is escaped as well.

    >>> escape("a'b.js", "'", markup=False)
    './a\\x27b.js'
    """
    if not _URL_SPECIFIER.match(url):
        url = f"./{url}"
    special = {"\\", "<", ">", quote, "$" if quote == "`" else quote, *("&" if markup else "")}
    return url.translate({ord(char): f"\\x{ord(char):02x}" for char in special})


def _string_nodes(
    tree: Tree, candidates: Sequence[_Candidate]
) -> Iterator[tuple[_Candidate, Node, Sequence[Node]]]:
    """Yield the candidates that are strings, each with its node and the ancestors, nearest last.

    Each node is visited once. Asking the tree for the node at an offset, or for the parent of a
    node, takes time proportional to its depth, which grows with the script in nested calls.
    """
    cursor, ancestors, index = tree.walk(), list[Node](), 0
    while node := cursor.node:
        while index < len(candidates) and candidates[index].start < node.start_byte:
            index += 1
        if index == len(candidates):
            return
        candidate = candidates[index]
        span = (candidate.start, candidate.end)
        if node.type in _STRING_NODES and (node.start_byte, node.end_byte) == span:
            yield candidate, node, ancestors
        elif candidate.start < node.end_byte and cursor.goto_first_child():
            ancestors.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            ancestors.pop()


def _construct(node: Node, ancestors: Sequence[Node], candidate: _Candidate) -> str:
    """Return the construct that a string belongs to; empty if it is not a reference."""
    if len(ancestors) < 2:
        return ""
    grandparent, parent = ancestors[-2:]
    if candidate.is_new:
        return _new_expression(node, parent, grandparent)
    if candidate.is_call:
        function = grandparent.child_by_field_name("function")
        return "import()" if function is not None and function.type == "import" else ""
    if parent.type in _IMPORTING_STATEMENTS and node.type == "string":
        return parent.type.removesuffix("_statement")
    return ""


def _new_expression(string: Node, arguments: Node, expression: Node) -> str:
    """Return the construct of a ``new`` expression whose first argument is *string*."""
    constructor = expression.child_by_field_name("constructor")
    values = arguments.named_children
    if constructor is None or constructor.text is None or not values or values[0] != string:
        return ""
    if constructor.text != b"URL":
        return f"new {constructor.text.decode()}()"
    base = values[1].text if len(values) == 2 else None
    return "new URL()" if base and _IMPORT_META_URL.fullmatch(base) else ""


def _unescape(match: re.Match[str]) -> str:
    braced, four_digits, two_digits, line_break, char = match.groups()
    code = braced or four_digits or two_digits
    if code:
        return chr(min(int(code, 16), 0x10FFFF))
    return "" if line_break else _CONTROLS.get(char, char)
