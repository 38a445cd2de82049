"""The standard streams: usable in any encoding, closed ones replaced, broken ones silenced."""

import os
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from typing import TextIO


def prepare_streams() -> None:
    """Make stdout and stderr safe to print to, in any encoding, even where they are closed."""
    _open_missing_descriptors()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Left open for as long as the process lives, as the streams it stands for.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _open_missing_descriptors() -> None:
    """Open the null device for each standard descriptor that is closed, as daemons start commands.

    Otherwise the next file or socket would get its number: libuv aborts at that, and a saved file
    could receive what is printed.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one, because the lower ones are open.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def silence_stdout() -> None:
    """Discard what stdout still holds, so that Python's flush at exit cannot fail again."""
    _silence(sys.stdout)


def silence_lost_terminals(streams: Iterable[TextIO]) -> None:
    """Discard what is written to those of *streams*, all terminals once, that are closed now."""
    for stream in streams:
        if not stream.isatty():
            _silence(stream)


def _silence(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
