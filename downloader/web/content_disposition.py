"""File names in Content-Disposition fields (RFC 6266), as servers send them."""

import re
from urllib.parse import unquote_to_bytes

from downloader.web.path_parts import safe_leaf

#: Characters of a field that are read.
_MAX_FIELD_LENGTH = 8192
#: What semicolons separate: the type, and parameters, each a name and a value. The value is a
#: quoted string, or all before the next semicolon, because many servers do not quote spaces.
_ITEM = re.compile(
    r"\s*+(?P<name>[^\s;=\"]+)\s*+=\s*+"
    r"(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)(?:\"|\\?\Z)[^;]*|(?P<bare>[^;]*))"
    r"|[^;]*",
    re.DOTALL,
)
#: Only these are escaped on purpose; other backslashes are those of a path of Windows.
_ESCAPED = re.compile(r"\\([\"\\])")
#: The extended value of a parameter whose name ends in an asterisk (RFC 8187, section 3.2.1).
_EXTENDED = re.compile(
    r"(?P<charset>utf-8|iso-8859-1)'[^']*'(?P<value>(?:[^%'\"\s]|%[0-9A-Fa-f]{2})*)", re.IGNORECASE
)


def disposition_file_name(field: str) -> str:
    """Return the name of a file that a Content-Disposition field gives, or an empty text.

    It is one part of a path that every common file system takes: folders are dropped, and what
    cannot be in a name is replaced. ``filename*`` goes before ``filename`` (section 4.3). The type
    does not matter: a page that is shown inline has a name, too.

    Example:
        >>> disposition_file_name("attachment; filename*=UTF-8''%e2%82%ac.txt; filename=EURO.txt")
        '€.txt'
    """
    plain = extended = ""
    field = field[:_MAX_FIELD_LENGTH]
    position = 0
    while position < len(field) and (match := _ITEM.match(field, position)):
        name = (match["name"] or "").lower()
        if name == "filename" and not plain:
            quoted = match["quoted"]
            plain = match["bare"].strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
        elif name == "filename*" and not extended:
            extended = _decoded((match["quoted"] or match["bare"] or "").strip())
        position = match.end() + 1
    return _leaf(extended) or _leaf(plain)


def _decoded(value: str) -> str:
    """Return the text of an extended value, or an empty text if it is not valid."""
    match = _EXTENDED.fullmatch(value)
    if match is None:
        return ""
    try:
        return unquote_to_bytes(match["value"]).decode(match["charset"])
    except UnicodeDecodeError:
        return ""


def _leaf(name: str) -> str:
    """Return the last part of a path as a safe name, which does not begin with a dot."""
    leaf = name.replace("\\", "/").rpartition("/")[2]
    if not leaf.strip(" ."):
        return ""
    return safe_leaf(leaf, first_part=True)[0]
