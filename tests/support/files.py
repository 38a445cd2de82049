"""Files that a run leaves behind."""

import asyncio
from pathlib import Path

from downloader.journal import STATE_FOLDER


def saved_files(folder: Path) -> set[str]:
    """Return every file below an output folder, but for the program's own, as relative paths."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.is_file() or path.is_symlink()) and STATE_FOLDER not in path.parts
    }


MIB = 1024 * 1024


async def wait_for_size(file: Path, size: int) -> None:
    """Wait until *file*, which another process writes, has so many bytes."""
    async with asyncio.timeout(20):
        # No event crosses over from another process.
        while _size(file) < size:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def contents(folder: Path) -> dict[str, bytes]:
    """Return what every file below an output folder holds, but for the program's own."""
    return {path: (folder / path).read_bytes() for path in saved_files(folder)}
