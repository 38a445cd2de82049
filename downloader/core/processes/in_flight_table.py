"""Which transfers a process is at, readable by its parent after whatever ended it."""

import mmap
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

_BYTES_EACH = 8


class InFlightTable:
    """Rows of the journal in a file that two processes have in memory.

    A message could not do this: what a process says last, before it is killed, would be how far it
    had been a moment ago. Here each start and each end costs it one write to memory.

    Args:
        file: of :attr:`size` bytes, as :func:`paper` makes it.
    """

    def __init__(self, file: BinaryIO | int) -> None:
        number = file if isinstance(file, int) else file.fileno()
        self._memory = mmap.mmap(number, 0)
        self._rows = memoryview(self._memory).cast("q")
        self._free = list(range(len(self._rows)))
        self._places: dict[int, int] = {}

    def enter(self, row: int) -> None:
        """Write down a row, which is from 1 on; when there is no place any more, it is left out."""
        if self._free and row not in self._places:
            place = self._places[row] = self._free.pop()
            self._rows[place] = row

    def leave(self, row: int) -> None:
        """Strike it out."""
        place = self._places.pop(row, None)
        if place is not None:
            self._rows[place] = 0
            self._free.append(place)

    def __iter__(self) -> Iterator[int]:
        """Yield the rows that are written down."""
        return (row for row in self._rows if row)

    def close(self) -> None:
        """Let go of the memory."""
        self._rows.release()
        self._memory.close()


def paper(places: int) -> BinaryIO:
    """Return a file for a roll of so many rows.

    Its bytes are written, because a process that writes to memory for which the disk has no room
    is killed.
    """
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the caller closes it
    file.write(bytes(_BYTES_EACH * places))
    return file
