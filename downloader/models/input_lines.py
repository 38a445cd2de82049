"""Lines of lists as they were written, with their other columns, for reports."""

from dataclasses import dataclass

#: The value of a column of a list.
ColumnValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class InputLine:
    """A line of a list as it was written.

    Attributes:
        text: its address, without a password.
        number: of the line, the row or the item, from 1; None if it was in no list.
        columns: the other columns of the row, or members of the object: names and values.
    """

    text: str
    number: int | None = None
    columns: tuple[tuple[str, ColumnValue], ...] = ()
