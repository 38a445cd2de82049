"""How the command line is spelled.

``transfers`` and ``products`` list the options, group by group, as ``--help`` shows them;
``types`` says what they take, ``grouped`` how they are shown, ``config`` where else their values
come from, and ``together`` which of them go together.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from downloader.cli.options import features, transfers
from downloader.cli.options.help_groups import GroupedCommand
from downloader.cli.options.parameter_types import usable_cores
from downloader.cli.options.validation import validate

__all__ = ["Given", "GroupedCommand", "usable_cores", "validate", "with_options"]

#: What was given for each option, by its name, as its type has made it.
Given = Mapping[str, Any]
_Function = TypeVar("_Function", bound=Callable[..., object])

_OPTIONS = (
    *(*transfers.OUTPUT, *transfers.SPEED, *transfers.ROBUSTNESS, *transfers.REQUEST),
    *(*transfers.SAFETY, *features.MIRROR, *features.REPORT, *features.ARCHIVE),
    *(*features.SCALE, *features.TRIAL, *features.REST),
)


def with_options(function: _Function) -> _Function:
    """Decorate a command with all options."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function
