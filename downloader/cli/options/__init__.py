"""The options of the command line, declared for click.

Each heading of ``--help`` has a module of its name: ``output``, ``speed``, ``robustness``,
``request``, ``lists``, ``filters``, ``safety``, ``mirror``, ``report``, ``archive``, ``scale`` and
``other``. ``common`` has the options that subcommands share. ``parameter_types`` converts values,
``request_types`` those of requests, and ``link_types`` those of ``download links``.
``help_groups`` formats help, ``config`` reads defaults from a file, and ``validation`` refuses
options that exclude each other.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from downloader.cli.options import (
    archive,
    filters,
    lists,
    mirror,
    other,
    output,
    report,
    request,
    robustness,
    safety,
    scale,
    speed,
)

__all__ = ["Given", "with_options"]

#: The value of each option, by its name, as its type has converted it.
Given = Mapping[str, Any]
_Function = TypeVar("_Function", bound=Callable[..., object])

#: The headings' modules, in the order of ``--help``.
_HEADINGS = (
    *(output, speed, robustness, request, lists, filters, safety, mirror),
    *(report, archive, scale, other),
)


def with_options(function: _Function) -> _Function:
    """Decorate a command with all options of the main form."""
    for heading in reversed(_HEADINGS):
        for add in reversed(heading.OPTIONS):
            function = add(function)
    return function
