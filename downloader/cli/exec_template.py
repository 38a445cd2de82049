"""The command of ``--exec``: split into arguments without a shell, with fields of outcomes."""

import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from downloader.models import ColumnValue
from downloader.models.field_declarations import Value
from downloader.models.url_record import FIELD_NAMES, Record, as_dict
from downloader.web.text import printable

_FIELD = re.compile(r"\{\{|\}\}|\{(column\.[^{}]+|[a-z0-9_]*)\}")
_COLUMN = "column."
#: Fields besides those of records.
_OWN_FIELDS = ("name", "folder")
#: Programs that run an argument as a script, and the letter of the option before it.
_INTERPRETER = re.compile(
    r"(?:.*/)?(?:(?P<c>(?:a|ba|c|da|k|tc|z)?sh|fish|python[0-9.]*)|(?P<e>node|perl|ruby)|(?P<r>php))"
)


@dataclass(frozen=True, slots=True)
class CommandTemplate:
    """A parsed command.

    Attributes:
        arguments: the program and its arguments, with fields in braces.
    """

    arguments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a command; without any field, ``{path}`` is its last argument.

        Raises:
            ValueError: it has an unknown field or an unclosed quote, there is no such program, or
                a shell would run what names of files hold.
        """
        try:
            arguments = shlex.split(text)
        except ValueError:
            raise ValueError("it has a quote without its counterpart") from None
        if not arguments:
            raise ValueError("it names no program")
        fields = [field for argument in arguments for field in _fields(argument)]
        for field in fields:
            if field not in (*FIELD_NAMES, *_OWN_FIELDS) and not field.startswith(_COLUMN):
                known = ", ".join(("path", *_OWN_FIELDS, "url", "content_type", "sha256"))
                raise ValueError(
                    f"there is no field {{{field}}}; there are {known} and the other fields of "
                    "reports, and {{ for a brace"
                )
        program = arguments[0]
        if _fields(program):
            raise ValueError("its program must not be a field; servers would choose what is run")
        if shutil.which(program) is None:
            raise ValueError(f"there is no program {printable(program)!r}")
        if interpreter := _interpreter_of_field(arguments):
            raise ValueError(
                f"{interpreter} would run what names of files hold; pass them as arguments: "
                "sh -c '... \"$1\"' sh {path}"
            )
        return cls(tuple(arguments if fields else (*arguments, "{path}")))

    @property
    def needs_columns(self) -> bool:
        """Whether a field is a column of the list."""
        fields = (field for argument in self.arguments for field in _fields(argument))
        return any(field.startswith(_COLUMN) for field in fields)

    def expand(self, record: Record, path: str) -> list[str]:
        """Return the arguments for a saved file.

        Args:
            record: of its URL.
            path: of the file, with its folder.

        Raises:
            ValueError: a program would take an argument for an option, or cannot get it.
        """
        # A relative path never begins with a dash, which would make it an option.
        path = path if path.startswith(("/", "./")) else f"./{path}"
        folder, _, name = path.rpartition("/")
        own = {"": path, "path": path, "name": name, "folder": folder or "/"}
        columns = {key.strip().casefold(): value for key, value in record.columns}
        values = as_dict(record)

        def value_of(match: re.Match[str]) -> str:
            field = match[1]
            if field is None:
                return match[0][0]
            if field in own:
                return own[field]
            if field.startswith(_COLUMN):
                return _text(columns.get(field.removeprefix(_COLUMN).strip().casefold()))
            value = values[field]
            return "" if isinstance(value, dict) else _text(value)

        return [_expanded(argument, value_of) for argument in self.arguments]


def _fields(argument: str) -> list[str]:
    """Return the names of the fields of an argument; ``{}`` is the path, as in find."""
    return [match[1] or "path" for match in _FIELD.finditer(argument) if match[1] is not None]


def _interpreter_of_field(arguments: list[str]) -> str:
    """Return the program that would run a field as a part of its script; empty if none would."""
    interpreter, letter = "", None
    for option, script in pairwise(arguments):
        if match := _INTERPRETER.fullmatch(option):
            # Another program may start it, such as timeout or env.
            interpreter, letter = printable(option), match.lastgroup
        elif letter and re.fullmatch(f"-[A-Za-z]*{letter}[A-Za-z]*", option) and _fields(script):
            return interpreter
    return ""


def _expanded(argument: str, value_of: Callable[[re.Match[str]], str]) -> str:
    text = _FIELD.sub(value_of, argument)
    if "\0" in text:
        raise ValueError("an argument would have a NUL character")
    if text.startswith("-") and not argument.startswith("-"):
        raise ValueError(f"{printable(text[:80])!r} would be an option; {{path}} never is one")
    return text


def _text(value: Value | ColumnValue) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return " ".join(value)
        case _:
            return str(value)
