"""How the command line is spelled: grouped options, quantities with suffixes, the config file."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import platformdirs

from downloader.errors import BadUrlError
from downloader.objects import Destination, destination
from downloader.report.budget import Budget, parse_budget
from downloader.report.desk import FORMATS
from downloader.sources import parse_header
from downloader.text import parse_seconds, parse_size, printable

_REST = "Other"
_COLUMN = 27
_Function = TypeVar("_Function", bound=Callable[..., object])


class GroupedOption(click.Option):
    """An option that ``--help`` shows under a heading."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose ``--help`` shows its options under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading, in the order of their definition."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                group = parameter.group if isinstance(parameter, GroupedOption) else _REST
                groups.setdefault(group, []).append(record)
        rest = groups.pop(_REST, [])
        for group, records in [*groups.items(), (_REST, rest)]:
            with formatter.section(group):
                # The same column for every group: pad the first row's name.
                (name, text), *others = records
                formatter.write_dl([(name.ljust(_COLUMN), text), *others], col_max=_COLUMN)


def option(group: str, *names: str, **settings: Any) -> Callable[[_Function], _Function]:
    """Return a decorator that adds an option under the heading *group*."""
    return click.option(*names, cls=GroupedOption, group=group, **settings)


class CountOrAuto(click.ParamType[int | None]):
    """A number from 1 on, or ``auto``, which is None."""

    name = "N|auto"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number, or None."""
        if str(value).strip().lower() == "auto":
            return None
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"{str(value)!r} is not a valid integer, nor auto", param, ctx)
        return click.IntRange(min=1).convert(number, param, ctx)


class Processes(CountOrAuto):
    """A number from 1 on, or ``auto``, which is how many cores this process may use."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Return the number."""
        return super().convert(value, param, ctx) or usable_cores()


class Level(click.ParamType[int]):
    """How many links are followed one after the other: a number from 1 on, or ``inf``."""

    name = "N|inf"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; 0 stands for ``inf``, as in wget."""
        if str(value).strip().lower() in ("inf", "infinity"):
            return 0
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"{str(value)!r} is not a valid integer, nor inf", param, ctx)
        return click.IntRange(min=0).convert(number, param, ctx)


class Seconds(click.ParamType[float]):
    """A length of time, in seconds or with a suffix; more than none, unless *least* is 0."""

    name = "SECONDS"

    def __init__(self, least: float | None = None) -> None:
        self._least = least

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        try:
            # A config file gives numbers; text of them says the same.
            seconds = parse_seconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0 and seconds != self._least:
            self.fail("it must be more than 0", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """A number of bytes, perhaps with a suffix."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        try:
            return parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Output(click.ParamType[Destination]):
    """Where to save: a folder, or the URL of an object store's prefix."""

    name = "DIR|URL"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Destination:
        """Return the folder, and the URL if it is one."""
        try:
            place = value if isinstance(value, Destination) else destination(os.fspath(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if place.remote is not None and place.remote.startswith("memory:"):
            self.fail("memory ends with the program", param, ctx)
        return place


class ArchiveFile(click.ParamType[Path]):
    """The name of an archive file, whose ending says what it is."""

    name = "FILE"

    def __init__(self, *endings: str) -> None:
        self._endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        path = Path(str(value))
        if not path.name.endswith(self._endings) or path.name in self._endings:
            self.fail(f"it must end with {' or '.join(self._endings)}", param, ctx)
        return path


class Header(click.ParamType[tuple[str, str]]):
    """A request header field, ``Name: value``; in a variable, one on each line."""

    name = "'NAME: VALUE'"
    envvar_list_splitter = "\n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return name and value."""
        if isinstance(value, tuple):
            name, text = value
            return str(name), str(text)
        try:
            return parse_header(str(value))
        except BadUrlError as error:
            self.fail(f"{error.message}; {error.hint}", param, ctx)


class HeaderText(click.ParamType[str]):
    """A text that can be sent in a header field."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        text = str(value)
        if not text.isprintable():
            self.fail("it has control characters", param, ctx)
        return text


class ReportFile(click.ParamType[Path]):
    """A file whose ending says which report it is to be; in a variable, one on each line."""

    name = "FILE"
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        path = Path(value)
        if path.suffix.lower() not in FORMATS:
            self.fail(f"{str(path)!r} does not end in {' or '.join(FORMATS)}", param, ctx)
        return path


class BudgetText(click.ParamType[Budget]):
    """What bodies may weigh."""

    name = "LIMITS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Budget:
        """Return the limits."""
        try:
            return value if isinstance(value, Budget) else parse_budget(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Make the config file's values the defaults, as click's ``default_map``.

    Raises:
        click.UsageError: the file cannot be read, is no TOML, or names an unknown option.
    """
    path = value or Path(platformdirs.user_config_dir("download")) / "config.toml"
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        if value is None:
            # The usual place need not hold one, nor be ours to look into.
            return None
        raise click.UsageError(f"cannot read {path}: {error.strerror}", ctx) from error
    except ValueError as error:
        raise click.UsageError(f"{path} is no TOML: {printable(str(error))}", ctx) from error
    known = {
        param.name: param
        for param in ctx.command.params
        if isinstance(param, GroupedOption) and param.name != "config"
    }
    settings = {key.replace("-", "_"): setting for key, setting in settings.items()}
    for key, setting in settings.items():
        if key not in known:
            raise click.UsageError(f"{path}: there is no option {printable(key)}", ctx)
        try:
            settings[key] = _as_typed(known[key], setting)
        except ValueError as error:
            raise click.UsageError(f"{path}: {printable(key)} takes {error}", ctx) from error
    ctx.default_map = {**(ctx.default_map or {}), **settings}
    return path


def _as_typed(option: GroupedOption, setting: object) -> object:
    """Return a setting of the config file as the command line would have it typed.

    Raises:
        ValueError: it is of another type; the message says what the option takes.
    """
    if option.is_flag:
        if isinstance(setting, bool):
            return setting
        raise ValueError("true or false")
    if option.multiple:
        texts = setting if isinstance(setting, list) else [setting]
        if all(isinstance(text, str) for text in texts):
            return texts
        raise ValueError("a text, or a list of them")
    if isinstance(setting, (str, int, float)) and not isinstance(setting, bool):
        return str(setting)
    raise ValueError("a value")
