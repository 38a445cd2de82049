"""Options that ``--help`` shows under headings."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

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
