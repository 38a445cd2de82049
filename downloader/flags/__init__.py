"""How the command line is spelled.

``transfers`` and ``products`` list the options, group by group, as ``--help`` shows them;
``types`` says what they take, ``grouped`` how they are shown, ``config`` where else their values
come from, and ``together`` which of them go together.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from downloader.flags import products, transfers
from downloader.flags.grouped import GroupedCommand
from downloader.flags.together import check
from downloader.flags.types import usable_cores

__all__ = ["Given", "GroupedCommand", "check", "usable_cores", "with_options"]

#: What was given for each option, by its name, as its type has made it.
Given = Mapping[str, Any]
_Function = TypeVar("_Function", bound=Callable[..., object])

_OPTIONS = (
    *(*transfers.OUTPUT, *transfers.SPEED, *transfers.ROBUSTNESS, *transfers.REQUEST),
    *(*transfers.SAFETY, *products.MIRROR, *products.REPORT, *products.ARCHIVE),
    *(*products.SCALE, *products.TRIAL, *products.REST),
)


def with_options(function: _Function) -> _Function:
    """Decorate a command with all options."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function
