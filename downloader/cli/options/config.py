"""The config file: its values are defaults of the options."""

from datetime import date
from pathlib import Path

import click

from downloader.cli.options.help_groups import GroupedOption
from downloader.cli.options.parameter_types import CommaSeparated
from downloader.cli.subcommands import SUBCOMMANDS
from downloader.web.text import printable


def load_config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Make the config file's values the defaults, as click's ``default_map``.

    Options of the main form stand at the top of the file, those of a subcommand in the table of
    its name.

    Raises:
        click.UsageError: the file cannot be read, is no TOML, or names an unknown option.
    """
    path = value or _default_path()
    try:
        text = path.read_bytes()
    except OSError as error:
        if value is None:
            # The default file is optional, and its folder may belong to somebody else.
            return None
        raise click.UsageError(f"cannot read {path}: {error.strerror}", ctx) from error
    # Imported only for a file that exists, because it takes a while.
    import tomllib

    try:
        settings = tomllib.loads(text.decode("utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{path} is no TOML: {printable(str(error))}", ctx) from error
    tables = {name: settings.pop(name, {}) for name in SUBCOMMANDS if _is_table(settings, name)}
    if ctx.command.name in SUBCOMMANDS:
        settings = tables.get(ctx.command.name, {})
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


def _default_path() -> Path:
    # Imported only for this, because it takes a while.
    import platformdirs

    return Path(platformdirs.user_config_dir("download")) / "config.toml"


def _is_table(settings: dict[str, object], name: str) -> bool:
    """Return whether *name* is a table; ``compare`` may also be the option of the main form."""
    return isinstance(settings.get(name), dict)


def _as_typed(option: GroupedOption, setting: object) -> object:
    """Return a setting of the config file as it would be typed on the command line.

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
    if isinstance(setting, list) and isinstance(option.type, CommaSeparated):
        if all(isinstance(text, str) for text in setting):
            return tuple(setting)
        raise ValueError("a text, or a list of them")
    if isinstance(setting, (str, int, float, date)) and not isinstance(setting, bool):
        return str(setting)
    raise ValueError("a value")
