"""How a field of a report's record is declared, and what follows from that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum, StrEnum, auto
from types import NoneType
from typing import get_args, get_type_hints

#: What a field may hold, in Python and in JSON.
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
        is_moment: whether a text is a moment in UTC as RFC 3339 writes it, with milliseconds.
    """

    description: str
    sources: tuple[str, ...] = ()
    maximum: int | None = None
    pattern: str | None = None
    is_moment: bool = False


class ValueType(Enum):
    """The type of a field's values; each format writes it in its own way."""

    TEXT = auto()
    CHOICE = auto()
    MOMENT = auto()
    TEXTS = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()


_TYPES: Mapping[object, ValueType] = {
    str: ValueType.TEXT,
    tuple[str, ...]: ValueType.TEXTS,
    int: ValueType.INTEGER,
    float: ValueType.NUMBER,
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
    """

    name: str
    value_type: ValueType
    nullable: bool
    choices: type[StrEnum] | None
    info: FieldInfo

    @property
    def plain_description(self) -> str:
        """The description without marks of Markdown."""
        return re.sub(r"\[(.+?)\]\(.+?\)", r"\1", self.info.description).replace("`", "")

    def parse(self, value: object) -> Value:
        """Return *value*, read from JSON, if the field may hold it; else None, or ``()``."""
        if self.value_type is ValueType.TEXTS:
            texts = value if isinstance(value, list) else []
            return tuple(text for text in texts if isinstance(text, str))
        match value:
            case bool() if self.value_type is ValueType.BOOLEAN:
                return value
            case int() | float() if not isinstance(value, bool):
                return self._parse_number(value)
            case str():
                return self._parse_text(value)
        return None

    def _parse_number(self, number: float) -> float | None:
        maximum = _MAX_NUMBER if self.info.maximum is None else self.info.maximum
        fits = self.value_type is ValueType.NUMBER or (
            self.value_type is ValueType.INTEGER and isinstance(number, int)
        )
        return number if fits and 0 <= number <= maximum else None

    def _parse_text(self, text: str) -> str | None:
        if self.choices is not None:
            return next((choice for choice in self.choices if choice == text), None)
        if self.info.pattern is not None and not re.fullmatch(self.info.pattern, text):
            return None
        if self.value_type is ValueType.MOMENT and not _is_moment(text):
            return None
        return text if self.value_type in (ValueType.TEXT, ValueType.MOMENT) else None


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def declared_fields(record_type: type) -> tuple[RecordField, ...]:
    """Return the fields of a dataclass whose fields are annotated with a :class:`FieldInfo`."""
    hints = get_type_hints(record_type, include_extras=True)
    return tuple(_declaration(each.name, hints[each.name]) for each in fields(record_type))


def _declaration(name: str, hint: object) -> RecordField:
    annotation, info = get_args(hint)
    nullable = NoneType in get_args(annotation)
    python_type = get_args(annotation)[0] if nullable else annotation
    is_enum = isinstance(python_type, type) and issubclass(python_type, StrEnum)
    choices = python_type if is_enum else None
    if info.is_moment:
        value_type = ValueType.MOMENT
    else:
        value_type = ValueType.CHOICE if is_enum else _TYPES[python_type]
    return RecordField(name, value_type, nullable, choices, info)
