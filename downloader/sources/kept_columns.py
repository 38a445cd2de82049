"""The columns of a list that its outcomes keep, for reports."""

import json
import math
from collections.abc import Collection, Iterable, Sequence

from downloader.models import ColumnValue
from downloader.sources.list_input import ListSettings
from downloader.sources.request_columns import BODY, HEADERS, METHOD
from downloader.web.text import printable

#: Characters of the columns of one line, and the number of columns, that are kept: thousands of
#: lines may be under way.
_MAX_LENGTH = 32 * 1024
_MAX_COLUMNS = 1000

Columns = tuple[tuple[str, ColumnValue], ...]


class KeptColumns:
    """Chooses the columns of one list.

    Args:
        label: of the list.
        settings: how lists are read.
    """

    def __init__(self, label: str, settings: ListSettings) -> None:
        self._label = label
        self._settings = settings
        self._noted: set[str] = set()

    def positions(self, names: Sequence[str], address: int | None) -> list[int]:
        """Return the positions of the columns of a table that are kept.

        Args:
            names: of all columns.
            address: the position of the column of addresses, which is not kept.
        """
        wanted = self._settings.keep_columns
        if not self._settings.keeps_input:
            return []
        if wanted is None:
            secret = _secret_columns(names)
            chosen = [
                index
                for index, name in enumerate(names)
                if index != address and name.strip().casefold() not in secret
            ]
        else:
            folded = [name.strip().casefold() for name in names]
            chosen = []
            for name in wanted:
                if name.strip().casefold() in folded:
                    chosen.append(folded.index(name.strip().casefold()))
                else:
                    self._note(f"has no column named {printable(name[:80])} to keep")
        if len(chosen) > _MAX_COLUMNS:
            self._note(f"has more than {_MAX_COLUMNS:,} columns; the others are not reported")
        return chosen[:_MAX_COLUMNS]

    def of_object(self, members: dict[str, object], address: str) -> Columns:
        """Return the members of a JSON object that are kept; those that are no scalars as JSON.

        Args:
            members: of the object.
            address: the name of the member that holds the address, which is not kept.
        """
        wanted = self._settings.keep_columns
        if not self._settings.keeps_input:
            return ()
        secret = _secret_columns(members)
        names = (
            [name for name in members if name != address and name not in secret]
            if wanted is None
            else wanted
        )
        return self.bounded(
            (name, members[name]) for name in names[:_MAX_COLUMNS] if name in members
        )

    def bounded(self, pairs: Iterable[tuple[str, object]]) -> Columns:
        """Return names and values, without those values that are too long together."""
        kept: list[tuple[str, ColumnValue]] = []
        room = _MAX_LENGTH
        for name, cell in pairs:
            value = _scalar(cell)
            length = len(name) + (len(value) if isinstance(value, str) else 0)
            if length > room:
                self._note(
                    f"has lines whose columns have more than {_MAX_LENGTH:,} characters; "
                    "the report is without the longest"
                )
                value = None
            else:
                room -= length
            kept.append((name, value))
        return tuple(kept)

    def _note(self, note: str) -> None:
        if note not in self._noted:
            self._noted.add(note)
            self._settings.note(f"{self._label} {note}")


def _secret_columns(names: Collection[str]) -> Collection[str]:
    """Return the columns of requests that may hold secrets; they are kept only if named."""
    return (HEADERS, BODY) if METHOD in {name.strip().casefold() for name in names} else ()


def _scalar(value: object) -> ColumnValue:
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no such numbers (RFC 8259, section 6).
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        # Deeply nested JSON can be read where it cannot be written.
        return None
