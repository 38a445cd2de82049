"""The command in a terminal, which it asks for a password."""

import asyncio
import os
from collections.abc import Callable

from tests.support.command import Command

_LIMIT = 30


async def answer_prompt(command: Command, answer: str, *arguments: str) -> tuple[int, str]:
    """Run the command in a terminal, and type *answer* at its prompt.

    Returns:
        its exit status, and everything that the terminal has shown.
    """
    process, ours = await command.start_in_terminal(*arguments)
    shown = await asyncio.to_thread(_read_until, ours, lambda text: b": " in text)
    os.write(ours, answer.encode())
    shown += await asyncio.to_thread(_read_until, ours, lambda _: False)
    status = await asyncio.wait_for(process.wait(), _LIMIT)
    os.close(ours)
    return status, shown.decode()


def _read_until(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    """Return what a terminal shows, to its end or as far as is enough."""
    shown = b""
    try:
        while not enough(shown) and (data := os.read(terminal, 4096)):
            shown += data
    except OSError:
        pass  # the end
    return shown
