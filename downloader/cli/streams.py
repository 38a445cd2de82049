"""The standard streams: usable in any encoding, closed ones replaced, broken ones silenced."""

import os
import sys
from io import TextIOWrapper


def prepare_streams() -> None:
    """Make stdout and stderr safe to print to, in any encoding, even where they are closed."""
    if sys.stdin is None:
        # Occupies the descriptor of stdin: uvloop aborts if a socket gets it.
        os.open(os.devnull, os.O_RDONLY)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Left open for as long as the process lives, as the streams it stands for.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_stdout() -> None:
    """Discard what stdout still holds, so that Python's flush at exit cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
