"""The transfers that a process is running, readable by its parent after a crash."""

import mmap
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

_BYTES_PER_SLOT = 8


class InFlightTable:
    """Rows of the journal, in a file that two processes have mapped into memory.

    The last message of a process that crashes shows its state of a moment ago. Here each start and
    each end of a transfer is one write to shared memory.

    Args:
        file: as :func:`create_table_file` returns it, or its descriptor.
    """

    def __init__(self, file: BinaryIO | int) -> None:
        fd = file if isinstance(file, int) else file.fileno()
        self._memory = mmap.mmap(fd, 0)
        self._rows = memoryview(self._memory).cast("q")
        self._free_slots = list(range(len(self._rows)))
        self._slots: dict[int, int] = {}

    def add(self, row: int) -> None:
        """Add a row, which is 1 or more; it is left out while the table is full."""
        if self._free_slots and row not in self._slots:
            slot = self._slots[row] = self._free_slots.pop()
            self._rows[slot] = row

    def remove(self, row: int) -> None:
        """Remove a row, if it is in the table."""
        slot = self._slots.pop(row, None)
        if slot is not None:
            self._rows[slot] = 0
            self._free_slots.append(slot)

    def __iter__(self) -> Iterator[int]:
        """Yield the rows, those that the other process has added included."""
        return (row for row in self._rows if row)

    def close(self) -> None:
        """Unmap the memory."""
        self._rows.release()
        self._memory.close()


def create_table_file(slots: int) -> BinaryIO:
    """Return a temporary file for a table of this many rows.

    Its bytes are allocated by writing them: a process that writes to mapped memory for which the
    disk has no space left is killed.
    """
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the caller closes it
    file.write(bytes(_BYTES_PER_SLOT * slots))
    return file
