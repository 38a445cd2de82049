"""Commands and options as ``--help`` shows them: under headings, in one column."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from downloader.cli.subcommands import SUBCOMMANDS

_LAST_HEADING = "Other"
_NAME_COLUMNS = 27
_Function = TypeVar("_Function", bound=Callable[..., object])


class GroupedOption(click.Option):
    """An option that ``--help`` shows under a heading."""

    def __init__(self, *args: Any, heading: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading

    def get_help_extra(self, ctx: click.Context) -> click.types.OptionHelpExtra:
        """Return nothing: what follows the help text in brackets is part of that text."""
        return {}


class GroupedCommand(click.Command):
    """A command whose help shows options below their headings, in order of definition.

    Attributes:
        folded: headings that are only named, because the main help shows their options.
    """

    folded: tuple[str, ...] = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options below their headings."""
        self._format_sections(ctx, formatter, {})
        if self.folded:
            *others, last = self.folded
            formatter.write_paragraph()
            headings = f"{', '.join(others)} and {last}"
            formatter.write_text(f"The options of {headings} are those of download.")

    def _format_sections(
        self,
        ctx: click.Context,
        formatter: click.HelpFormatter,
        sections: dict[str, list[tuple[str, str]]],
    ) -> None:
        last: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if isinstance(parameter, GroupedOption) and row is not None:
                if parameter.heading not in self.folded:
                    sections.setdefault(parameter.heading, []).append(row)
            elif isinstance(parameter, click.Option) and row is not None:
                last.append(row)
        sections.setdefault(_LAST_HEADING, []).extend(last)
        for heading, ((name, text), *rows) in sections.items():
            with formatter.section(heading):
                # The padded name puts the texts of all sections into the same column.
                formatter.write_dl([(name.ljust(_NAME_COLUMNS), text), *rows], _NAME_COLUMNS)


class DownloadCommand(GroupedCommand):
    """The main form: its help also lists the subcommands, and its errors point to them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line.

        Raises:
            UsageError: as click's own; one for ``--check`` names the subcommand ``check``.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.lstrip("-")
            if name not in SUBCOMMANDS:
                raise
            form = f"{ctx.command_path} {name} {SUBCOMMANDS[name].arguments}"
            raise click.UsageError(f"No such option '--{name}'; use: {form}", ctx) from None

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write both forms of the command."""
        super().format_usage(ctx, formatter)
        formatter.write(f"       {ctx.command_path} COMMAND [ARGS]...\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands, and the options below their headings, in order of definition."""
        commands = [
            (f"{name} {subcommand.arguments}", subcommand.summary)
            for name, subcommand in sorted(SUBCOMMANDS.items())
        ]
        self._format_sections(ctx, formatter, {"Commands": commands})


def option(heading: str, *names: str, **settings: Any) -> Callable[[_Function], _Function]:
    """Return a decorator that adds an option, which main help shows under *heading*."""
    return click.option(*names, cls=GroupedOption, heading=heading, **settings)


def context_settings(variables: str) -> dict[str, Any]:
    """Return click's settings of a command whose variables begin with *variables* and ``_``."""
    return {
        "auto_envvar_prefix": variables,
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    }
