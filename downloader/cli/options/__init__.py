"""The options of the command line, declared for click.

``transfers`` and ``features`` list the options of the main form, group by group, as ``--help``
shows them; ``common`` has those that subcommands share. ``parameter_types`` converts values,
``help_groups`` formats help, ``config`` reads defaults from a file, and ``validation`` refuses
options that exclude each other.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from downloader.cli.options import features, transfers

__all__ = ["Given", "with_options"]

#: The value of each option, by its name, as its type has converted it.
Given = Mapping[str, Any]
_Function = TypeVar("_Function", bound=Callable[..., object])

_OPTIONS = (
    *(*transfers.OUTPUT, *transfers.SPEED, *transfers.ROBUSTNESS, *transfers.REQUEST),
    *(*transfers.SAFETY, *features.MIRROR, *features.REPORT_AND_LOG, *features.ARCHIVE),
    *(*features.SCALE, *features.OTHER),
)


def with_options(function: _Function) -> _Function:
    """Decorate a command with all options of the main form."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function
