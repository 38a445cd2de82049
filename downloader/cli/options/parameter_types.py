"""Types of option values: quantities with suffixes, names of files, headers, budgets."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from downloader.errors import BadUrlError
from downloader.models import TextFormat
from downloader.models.shards import Shard
from downloader.object_store import parse_destination
from downloader.report.formats import endings, format_of
from downloader.web import urls
from downloader.web.text import parse_seconds, parse_size, printable

if TYPE_CHECKING:
    from downloader.cli.exec_template import CommandTemplate
    from downloader.report.budget import Budget
    from downloader.report.fail_on import FailOn


class NumberParam(click.ParamType[int]):
    """A whole number between *least* and *most*."""

    name = "N"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"{str(value)!r} is not a whole number", param, ctx)
        if number < self._least or (self._most is not None and number > self._most):
            most = f" and at most {self._most}" if self._most is not None else ""
            self.fail(
                f"{number} is out of range: it must be at least {self._least}{most}", param, ctx
            )
        return number


class CountOrAutoParam(click.ParamType[int | None]):
    """A number from 1 on, or ``auto``, which becomes None."""

    name = "N|auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number, or None."""
        text = str(value).strip().lower()
        if text == "auto":
            return None
        if not _is_integer(text):
            self.fail(f"{str(value)!r} is neither a whole number nor auto", param, ctx)
        return NumberParam(1).convert(text, param, ctx)


class LevelParam(click.ParamType[int]):
    """The maximum depth of links: a number, or ``inf``."""

    name = "N|inf"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; 0 stands for ``inf``, as in wget."""
        text = str(value).strip().lower()
        if text in ("inf", "infinity"):
            return 0
        if not _is_integer(text):
            self.fail(f"{str(value)!r} is neither a whole number nor inf", param, ctx)
        return NumberParam(0).convert(text, param, ctx)


class MaxQueriesParam(click.ParamType[int | None]):
    """The maximum number of queries of one path: a number, or ``none`` for no limit."""

    name = "N|none"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number; None for no limit."""
        text = str(value).strip().lower()
        if text == "none":
            return None
        if not _is_integer(text):
            self.fail(f"{str(value)!r} is neither a whole number nor none", param, ctx)
        return NumberParam(0).convert(text, param, ctx)


class CommaSeparated(click.ParamType[tuple[str, ...]]):
    """Texts, separated by commas; in a config file also a list of texts."""

    def texts(self, value: Any) -> list[str]:
        """Return the texts, without spaces around them."""
        texts = value if isinstance(value, tuple | list) else str(value).split(",")
        return [str(text).strip() for text in texts]


class DomainsParam(CommaSeparated):
    """Host names, separated by commas."""

    name = "LIST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names as they are written in a normalised URL."""
        return tuple(self._host_name(name, param, ctx) for name in self.texts(value))

    def _host_name(
        self, name: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            url = urls.parse(f"http://{name.removeprefix('*').removeprefix('.')}")
        except BadUrlError:
            self.fail(f"{printable(name)!r} is not the name of a host", param, ctx)
        if url != f"http://{urls.hostname(url)}/":
            self.fail(f"{printable(name)!r} is more than the name of a host", param, ctx)
        return urls.hostname(url)


class TextFormatsParam(click.ParamType[tuple[TextFormat, ...]]):
    """Formats of texts, separated by commas."""

    name = "FORMATS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[TextFormat, ...]:
        """Return the formats, each once."""
        names = value if isinstance(value, tuple | list) else str(value).split(",")
        formats = dict.fromkeys(str(name).strip().lower() for name in names)
        unknown = [name for name in formats if name not in set(TextFormat)]
        if unknown:
            self.fail(f"{printable(unknown[0])!r} is neither text nor markdown", param, ctx)
        return tuple(map(TextFormat, formats))


class SecondsParam(click.ParamType[float]):
    """A duration, in seconds or with a suffix; more than 0, unless *least* is 0."""

    name = "SECONDS"

    def __init__(self, least: float | None = None) -> None:
        self._least = least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        try:
            # A config file holds numbers as well as texts.
            seconds = parse_seconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0 and seconds != self._least:
            self.fail("it must be more than 0", param, ctx)
        return seconds


class SizeParam(click.ParamType[int]):
    """A number of bytes, perhaps with a suffix."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        try:
            return parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PathParam(click.Path):
    """A path; a config file can hold characters in it that no system takes."""

    def __init__(
        self, *, exists: bool = False, file_okay: bool = True, dir_okay: bool = True
    ) -> None:
        super().__init__(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        refuse_nul(self, value, param, ctx)
        return super().convert(value, param, ctx)


def refuse_nul(
    parameter_type: click.ParamType[Any],
    value: Any,
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> None:
    """Refuse a path with a character that no system takes.

    Raises:
        UsageError: it has one.
    """
    if "\0" in str(value):
        parameter_type.fail("a path cannot contain a NUL character", param, ctx)


class Output(NamedTuple):
    """The value of ``--output``.

    Attributes:
        folder, remote: as in :class:`~downloader.object_store.Destination`.
        text: as it was written; a slash at its end means a folder.
    """

    folder: Path
    remote: str | None
    text: str


class OutputParam(click.ParamType[Output]):
    """A destination: a folder, a file, or the URL of an object store's prefix."""

    name = "DIR|URL"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Output:
        """Return the folder, and the URL if it is one."""
        if isinstance(value, Output):
            return value
        refuse_nul(self, value, param, ctx)
        text = os.fspath(value)
        try:
            place = parse_destination(text)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if place.remote is not None and place.remote.startswith("memory:"):
            self.fail("memory ends with the program", param, ctx)
        return Output(place.folder, place.remote, text)


class NameTemplateParam(click.ParamType[str]):
    """A template of file names."""

    name = "TEMPLATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the template, whose fields exist."""
        # Imported only for a template that is given, because it takes a while.
        from downloader.web.name_template import NameTemplate

        template = str(value)
        try:
            NameTemplate.parse(template)
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)
        return template


class ArchiveFileParam(click.ParamType[Path]):
    """The name of an archive file, whose ending says which format it has."""

    name = "FILE"

    def __init__(self, *endings: str) -> None:
        self._endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        refuse_nul(self, value, param, ctx)
        path = Path(str(value))
        if not path.name.endswith(self._endings) or path.name in self._endings:
            self.fail(f"it must end with {' or '.join(self._endings)}", param, ctx)
        return path


class ShardParam(click.ParamType[Shard]):
    """One of several runs that share a list: ``K/N``."""

    name = "K/N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shard:
        """Return the shard."""
        try:
            return value if isinstance(value, Shard) else Shard.parse(str(value))
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class ColumnNamesParam(CommaSeparated):
    """Names of columns, separated by commas."""

    name = "A,B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names."""
        return tuple(filter(None, self.texts(value)))


class UrlParam(click.ParamType[str]):
    """The URL of a page or a site; no message shows a password."""

    def __init__(self, name: str = "URL") -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL, normalised."""
        try:
            return urls.parse(str(value))
        except BadUrlError as error:
            self.fail(str(error), param, ctx)


class ReportFileParam(click.ParamType[Path]):
    """A file whose ending says which format it has, or ``-``; in a variable, one on each line."""

    name = "FILE|-"
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        refuse_nul(self, value, param, ctx)
        path = Path(value)
        if format_of(path) is None:
            self.fail(f"{str(path)!r} is not -, and does not end in {endings()}", param, ctx)
        return path


class CommandParam(click.ParamType["CommandTemplate"]):
    """A command, with fields of outcomes."""

    name = "CMD"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "CommandTemplate":
        """Return the parsed command."""
        from downloader.cli.exec_template import CommandTemplate

        try:
            return (
                value if isinstance(value, CommandTemplate) else CommandTemplate.parse(str(value))
            )
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class BudgetParam(click.ParamType["Budget"]):
    """Maximum sizes of bodies, by kind and in total."""

    name = "LIMITS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Budget":
        """Return the limits."""
        from downloader.report.budget import Budget, parse_budget

        try:
            return value if isinstance(value, Budget) else parse_budget(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class FailOnParam(click.ParamType["FailOn"]):
    """Changes that a run fails on."""

    name = "CHANGES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "FailOn":
        """Return the unwanted changes."""
        from downloader.report.fail_on import FailOn, parse_fail_on

        try:
            return value if isinstance(value, FailOn) else parse_fail_on(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
