"""A file system that is soon full."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class SmallDisk:
    """A small file system of its own.

    Attributes:
        folder: where it is mounted.
    """

    folder: Path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.folder / "ballast").open("ab", buffering=0) as file:
            for size in (4096, 1):
                while True:
                    try:
                        file.write(bytes(size))
                    except OSError:
                        break
