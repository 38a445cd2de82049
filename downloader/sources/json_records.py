"""The addresses of JSON values: strings, and objects with a member that holds one."""

from collections.abc import Mapping

from downloader.errors import BadUrlError
from downloader.sources.entries import ListLine
from downloader.sources.kept_columns import KeptColumns
from downloader.sources.list_input import ListSettings
from downloader.sources.request_columns import (
    BODY,
    HEADERS,
    METHOD,
    REQUEST,
    ignored_columns,
    refuse_request,
    set_request,
)
from downloader.sources.url_column import URL_COLUMNS, find_by_name, is_address, is_report
from downloader.web.text import printable


class JsonRecords:
    """Turns the values of one list into lines.

    Args:
        label: of the list.
        settings: how lists are read.
    """

    def __init__(self, label: str, settings: ListSettings) -> None:
        self._label = label
        self._settings = settings
        self._noted = self._noted_request = False
        self._columns = KeptColumns(label, settings)

    def line(self, origin: str, value: object) -> ListLine | None:
        """Return the line that a value stands for; None for what a report did not try."""
        if isinstance(value, str):
            return ListLine(origin, value)
        if not isinstance(value, dict):
            return ListLine(origin, "", error=BadUrlError("no URL in the JSON value"))
        name = self._url_member(value)
        address = value.get(name)
        if not isinstance(address, str):
            return ListLine(origin, "", error=BadUrlError(f"no member {name} in the JSON value"))
        line = ListLine(origin, address)
        if not is_report(value) or self._settings.keep_columns is not None:
            line.columns = self._columns.of_object(value, name)
        if is_report(value):
            refuse_request(line, value.get(REQUEST))
            return line if address else None
        if METHOD in value:
            set_request(line, value[METHOD], value.get(HEADERS), value.get(BODY))
        elif not self._noted_request and (note := ignored_columns(value)):
            self._noted_request = True
            self._settings.note(f"{self._label}: {note}")
        # The hash of an earlier run is no promise about this one; --locked holds it to that.
        line.name, line.checksum = value.get("name"), value.get("sha256")
        if not all(isinstance(each, str | None) for each in (line.name, line.checksum)):
            line.error = line.error or BadUrlError("name and sha256 must be strings")
        if not self._settings.takes_names:
            line.name = None
        return line

    def _url_member(self, members: Mapping[str, object]) -> str:
        """Return the name of the member that holds the address; ``url`` if none does."""
        wanted = self._settings.url_column
        if wanted is None and isinstance(members.get("url"), str):
            return "url"
        names = list(members)
        if wanted is not None:
            found = find_by_name(names, wanted)
            return printable(wanted[:80]) if found is None else names[found]
        texts = [name for name in names if isinstance(members[name], str)]
        # A JSON Feed names the article that an entry comments on external_url.
        for usual in (*URL_COLUMNS, "external_url"):
            for name in texts:
                if name.casefold() == usual:
                    return name
        found_names = [name for name in texts if is_address(members[name])]
        if len(found_names) != 1:
            return "url"
        if not self._noted:
            self._noted = True
            self._settings.note(
                f"{self._label}: the member {printable(found_names[0][:80])} holds the addresses; "
                "--url-column chooses another"
            )
        return found_names[0]
