"""How a field of a report's record is declared, and what follows from that."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum, StrEnum, auto
from types import NoneType
from typing import Annotated, get_args, get_origin, get_type_hints

#: Types of fields, in Python and in JSON.
Value = str | int | float | bool | tuple[str, ...] | None

#: The largest integer that Parquet has; other programs may write larger ones.
_MAX_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """The part of a field's declaration that its type does not say.

    Attributes:
        description: for readers of the documentation, the JSON Schema and Parquet files; Markdown.
        sources: attributes of outcomes that hold the value, such as ``sizes.wire``; of several,
            the first that an outcome has. By default, the attribute with the field's name.
        maximum: the largest number.
        pattern: the regular expression that a text matches.
        is_timestamp: whether a text is a time in UTC as RFC 3339 writes it, with milliseconds.
        is_long: whether it is the text of a page, which formats for people leave out.
    """

    description: str
    sources: tuple[str, ...] = ()
    maximum: int | None = None
    pattern: str | None = None
    is_timestamp: bool = False
    is_long: bool = False


class ValueType(Enum):
    """The type of a field's values; each format writes it in its own way."""

    TEXT = auto()
    CHOICE = auto()
    TIMESTAMP = auto()
    TEXT_LIST = auto()
    INTEGER = auto()
    FLOAT = auto()
    BOOLEAN = auto()


_TYPES: Mapping[object, ValueType] = {
    str: ValueType.TEXT,
    tuple[str, ...]: ValueType.TEXT_LIST,
    int: ValueType.INTEGER,
    float: ValueType.FLOAT,
    bool: ValueType.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class RecordField:
    """The declaration of one field of :class:`Record`.

    Attributes:
        name: of the field.
        value_type: of its values.
        nullable: whether it may be None.
        choices: of a closed set: its enumeration.
        info: everything else.
        parse: returns a value that was read from JSON if the field may hold it; else None, or the
            empty tuple.
    """

    name: str
    value_type: ValueType
    nullable: bool
    choices: type[StrEnum] | None
    info: FieldInfo
    parse: Callable[[object], Value]

    @property
    def plain_description(self) -> str:
        """The description without marks of Markdown."""
        return re.sub(r"\[(.+?)\]\(.+?\)", r"\1", self.info.description).replace("`", "")


def declared_fields(record_type: type) -> tuple[RecordField, ...]:
    """Return the fields of a dataclass that are annotated with a :class:`FieldInfo`."""
    hints = get_type_hints(record_type, include_extras=True)
    return tuple(
        _declaration(each.name, hints[each.name])
        for each in fields(record_type)
        if get_origin(hints[each.name]) is Annotated
    )


def _declaration(name: str, hint: object) -> RecordField:
    annotation, info = get_args(hint)
    nullable = NoneType in get_args(annotation)
    python_type = get_args(annotation)[0] if nullable else annotation
    is_enum = isinstance(python_type, type) and issubclass(python_type, StrEnum)
    choices = python_type if is_enum else None
    if info.is_timestamp:
        value_type = ValueType.TIMESTAMP
    else:
        value_type = ValueType.CHOICE if is_enum else _TYPES[python_type]
    parse = _parser(value_type, choices, info)
    return RecordField(name, value_type, nullable, choices, info, parse)


def _parser(
    value_type: ValueType, choices: type[StrEnum] | None, info: FieldInfo
) -> Callable[[object], Value]:
    """Return the function that parses values of a field; see :class:`RecordField`."""
    maximum = _MAX_NUMBER if info.maximum is None else info.maximum
    pattern = re.compile(info.pattern) if info.pattern else None
    members = {choice.value: choice for choice in choices or ()}

    def parse_text(value: object) -> str | None:
        if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
            return None
        return value

    def parse_choice(value: object) -> str | None:
        return members.get(value) if isinstance(value, str) else None

    def parse_timestamp(value: object) -> str | None:
        text = parse_text(value)
        return text if text is not None and _is_timestamp(text) else None

    def parse_text_list(value: object) -> tuple[str, ...]:
        texts = value if isinstance(value, list) else []
        return tuple(text for text in texts if isinstance(text, str))

    def parse_integer(value: object) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if 0 <= value <= maximum else None

    def parse_float(value: object) -> float | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        return value if 0 <= value <= maximum else None

    def parse_boolean(value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    parsers: dict[ValueType, Callable[[object], Value]] = {
        ValueType.TEXT: parse_text,
        ValueType.CHOICE: parse_choice,
        ValueType.TIMESTAMP: parse_timestamp,
        ValueType.TEXT_LIST: parse_text_list,
        ValueType.INTEGER: parse_integer,
        ValueType.FLOAT: parse_float,
        ValueType.BOOLEAN: parse_boolean,
    }
    return parsers[value_type]


def _is_timestamp(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
