"""Which column of a table, or which member of JSON objects, holds the addresses."""

import re
from collections.abc import Collection, Sequence

from downloader.errors import SourceError
from downloader.sources.list_input import ListSettings
from downloader.web.text import printable

#: Names of columns of addresses, without case; the first that a table has counts.
URL_COLUMNS = ("url", "link", "href")
#: Fields that together only reports of this program have.
_REPORT_FIELDS = frozenset({"url", "outcome", "kind", "final_url"})
_ADDRESS = re.compile(r"\s*https?://[^\s/?#]", re.IGNORECASE)


def is_address(cell: object) -> bool:
    """Return whether a cell holds an address, with its scheme."""
    return isinstance(cell, str) and _ADDRESS.match(cell) is not None


def is_report(names: Collection[str]) -> bool:
    """Return whether a table with these columns is a report of this program."""
    return _REPORT_FIELDS.issubset(names)


def find_by_name(names: Sequence[str], wanted: str | None) -> int | None:
    """Return the position of the column of addresses; None if no column has such a name.

    Args:
        names: of all columns, as written.
        wanted: what ``--url-column`` says: a name, or a number from 1; None for the usual names.
    """
    folded = [name.strip().casefold() for name in names]
    if wanted is None:
        return next((folded.index(name) for name in URL_COLUMNS if name in folded), None)
    if wanted in names:
        return names.index(wanted)
    if wanted.strip().casefold() in folded:
        return folded.index(wanted.strip().casefold())
    if wanted.isdecimal() and 0 < int(wanted) <= len(names):
        return int(wanted) - 1
    return None


def find_by_content(
    names: Sequence[str], row: Sequence[object], label: str, settings: ListSettings
) -> int | None:
    """Return the position of the only column of *row* that holds an address; None if none does.

    Raises:
        SourceError: several do.
    """
    found = [index for index, cell in enumerate(row) if index < len(names) and is_address(cell)]
    if not found:
        return None
    shown = [printable(names[index]) for index in found]
    if len(found) > 1:
        raise SourceError(
            f"{label} has addresses in several columns: {', '.join(shown)}",
            hint=f"choose one with --url-column, such as --url-column {shown[0]!r}",
        )
    if len(names) > 1:
        settings.note(
            f"{label}: the column {shown[0]} holds the addresses; --url-column chooses another"
        )
    return found[0]


def no_column(names: Sequence[str], label: str, settings: ListSettings) -> SourceError:
    """Return the error of a table without a column of addresses."""
    wanted = settings.url_column
    name = "url, link or href" if wanted is None else printable(wanted)
    shown = printable(", ".join(names)[:200])
    return SourceError(
        f"{label} has no column named {name}",
        hint=f"its columns are {shown}; name one with --url-column",
    )
