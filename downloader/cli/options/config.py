"""The config file: its values are defaults of the options."""

import tomllib
from pathlib import Path

import click
import platformdirs

from downloader.cli.options.help_groups import GroupedOption
from downloader.web.text import printable


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
