"""Templates of file names, such as ``{host}/{path}``, with fields of URL, line and answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from downloader.errors import BlockedError
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.media_types import media_type_table
from downloader.web.url_names import UrlParts, path_of_parts, url_hash, url_parts
from downloader.web.urls import Url

#: Characters of a template, and of a value that is put into a name.
MAX_TEMPLATE_LENGTH = 1000
_MAX_VALUE_LENGTH = 1000
#: Fields of the answer; they can only end a template.
_EXTENSION, _CONTENT_DISPOSITION = "ext", "content_disposition"
#: What a field of a column begins with: ``{column.isbn}``.
_COLUMN = "column."
_PIECE = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<field>[^{}]*)\}|(?P<text>[^{}]+)")
_SEPARATORS = str.maketrans("/\\", "__")

_URL_FIELDS: dict[str, Callable[[Url, UrlParts], str]] = {
    "scheme": lambda url, _: url.partition(":")[0],
    "host": lambda _, parts: parts.host,
    "path": lambda _, parts: "/".join((*parts.folders, parts.leaf)),
    "dir": lambda _, parts: "/".join(parts.folders),
    "name": lambda _, parts: parts.leaf,
    "stem": lambda _, parts: parts.stem,
    "query": lambda _, parts: parts.query,
    "hash": lambda url, _: url_hash(url),
}
#: The fields that a template may have, besides those of columns.
FIELDS = (*_URL_FIELDS, _EXTENSION, _CONTENT_DISPOSITION)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A parsed template.

    Attributes:
        pieces: literal texts and fields, in order.
        extension: whether ``{ext}`` ends it, which is then not among *pieces*.
    """

    pieces: tuple[str | _Field, ...]
    extension: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a template; ``{{`` and ``}}`` stand for braces.

        Raises:
            ValueError: it is malformed, has an unknown field, or leads out of the folder.
        """
        if len(text) > MAX_TEMPLATE_LENGTH:
            raise ValueError(f"it has more than {MAX_TEMPLATE_LENGTH} characters")
        pieces: list[str | _Field] = []
        end = 0
        while match := _PIECE.match(text, end):
            end = match.end()
            if match["field"] is not None:
                pieces.append(_Field(_known_field(match["field"])))
            else:
                # On Windows, people separate folders by backslashes.
                piece = match["brace"][0] if match["brace"] else match["text"].replace("\\", "/")
                pieces.append(piece)
        if end < len(text):
            raise ValueError(
                f"the brace at character {end + 1} has no counterpart; {{{{ stands for {{"
            )
        _check_fields_of_answer(pieces)
        _check_path(pieces)
        extension = _EXTENSION in _names(pieces)
        return cls(tuple(pieces[:-1] if extension else pieces), extension)

    @property
    def needs_disposition(self) -> bool:
        """Whether a name depends on the Content-Disposition field of the answer."""
        return _CONTENT_DISPOSITION in _names(self.pieces)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of lists that a name depends on, in order and once."""
        names = [piece.name for piece in self.pieces if isinstance(piece, _Field)]
        return tuple(
            dict.fromkeys(name.removeprefix(_COLUMN) for name in names if name.startswith(_COLUMN))
        )

    def expand(
        self, url: Url, columns: Mapping[str, str], disposition: str = ""
    ) -> tuple[FileName, bool]:
        """Return the name for *url*, and whether it is whole and not cut.

        Args:
            url: the URL.
            columns: the values of its line, by the folded names of their columns.
            disposition: the file name of the answer's Content-Disposition, if there is one.

        Raises:
            BlockedError: the line lacks a column, or its values give no file name.
        """
        parts = url_parts(url)
        texts = [
            piece
            if isinstance(piece, str)
            else _value(piece.name, url, parts, columns, disposition)
            for piece in self.pieces
        ]
        text = "".join(texts)
        *folders, leaf = text.split("/")
        if not leaf.strip(" ."):
            raise BlockedError(
                "--name-template gives no file name here, because a field is empty",
                hint="add another field, such as {hash}",
            )
        rule: ExtensionRule | None = None
        if self.extension:
            leaf, rule = _with_extension(leaf, parts.extension)
        kept = [folder for folder in folders if folder.strip(" .")]
        return path_of_parts([*kept, leaf], rule)


def _known_field(name: str) -> str:
    column = name.removeprefix(_COLUMN)
    if name in FIELDS or (column != name and column):
        return name
    known = ", ".join(f"{{{field}}}" for field in FIELDS)
    raise ValueError(
        f"there is no field {{{name[:100]}}}; there are {known}, and {{column.NAME}} for a column "
        "of the list"
    )


def _check_fields_of_answer(pieces: Sequence[str | _Field]) -> None:
    for piece in pieces[:-1]:
        if isinstance(piece, _Field) and piece.name in (_EXTENSION, _CONTENT_DISPOSITION):
            raise ValueError(f"{{{piece.name}}} must be at the end")


def _check_path(pieces: Sequence[str | _Field]) -> None:
    """Check the folders that the template itself names.

    Raises:
        ValueError: they lead out of the output folder, or there is no file name.
    """
    # A field stands for some name.
    shape = "".join(piece if isinstance(piece, str) else "x" for piece in pieces)
    parts = shape.split("/")
    if shape.startswith("/") or ".." in [part.strip() for part in parts]:
        raise ValueError("it leads out of the output folder; write a relative path")
    if not parts[-1].strip(" ."):
        raise ValueError("it does not end in a file name")
    ends_with_extension = len(pieces) and pieces[-1] == _Field(_EXTENSION)
    if ends_with_extension and not parts[-1][:-1].strip(" ."):
        raise ValueError("it has nothing before {ext}")


def _names(pieces: Sequence[str | _Field]) -> set[str]:
    return {piece.name for piece in pieces if isinstance(piece, _Field)}


def _value(
    name: str, url: Url, parts: UrlParts, columns: Mapping[str, str], disposition: str
) -> str:
    """Return the value of a field; only those of the URL's path may have slashes."""
    if name == _CONTENT_DISPOSITION:
        return disposition or parts.leaf
    if not name.startswith(_COLUMN):
        return _URL_FIELDS[name](url, parts)
    column = name.removeprefix(_COLUMN)
    value = columns.get(column.strip().casefold())
    if value is None:
        raise BlockedError(
            f"--name-template: the line has no column {column[:100]!r}",
            hint="use a column that every line has",
        )
    return value[:_MAX_VALUE_LENGTH].translate(_SEPARATORS).strip()


def _with_extension(leaf: str, url_extension: str) -> tuple[str, ExtensionRule]:
    """Return the leaf with the extension of the URL, if it has a common one, and the rule for more.

    Otherwise the media type adds one, as to any name.
    """
    if url_extension.lower() not in media_type_table().types:
        return leaf, ExtensionRule.ALWAYS
    if not leaf.lower().endswith(url_extension.lower()):
        leaf += url_extension
    return leaf, ExtensionRule.MARKUP
