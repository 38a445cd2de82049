"""Cut a list into shards by its hosts, once, holding no more of it than a few kilobytes each."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from downloader.cluster.messages import failure_of, line_of
from downloader.errors import DiskError, OutputError
from downloader.journal import STATE_FOLDER
from downloader.models import Failed
from downloader.models.shards import Shard, shard_of
from downloader.sources import STDIN, Entry, is_address
from downloader.web import urls

#: The way parts are written; other ways to cut are other numbers.
_FORMAT = 1
#: So many bytes of all shards together wait to be written, in lists of any length.
_HELD = 16 * 1024 * 1024
_PLAN = "plan.json"
_FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Partition:
    """A list that has been cut.

    Attributes:
        folder: where its parts are.
        counts: how many lines each shard has.
        failed: how many lines are none.
        others: how many lines are other machines'.
    """

    folder: Path
    counts: Sequence[int]
    failed: int
    others: int

    @property
    def total(self) -> int:
        """How many lines there are."""
        return sum(self.counts) + self.failed

    def portion(self, shard: int, offset: int, most: int) -> bytes:
        """Return so many lines of a shard, from that byte of it on.

        Raises:
            DiskError: they cannot be read, or are gone.
        """
        path = self.folder / _name(shard)
        # Open only for so long: there may be more shards than a process may have files.
        with _disk(path), path.open("rb") as file:
            file.seek(offset)
            lines = b"".join(islice(file, most))
        if not lines:
            raise DiskError(f"{path} is shorter than it was", hint="run it again")
        return lines

    def failures(self) -> Iterator[Failed]:
        """Yield the lines that are none."""
        if self.failed:
            with (self.folder / _FAILED).open("rb") as file:
                yield from map(failure_of, file)


class Partitioner:
    """Writes the parts of a list, below the program's own folder in an output folder.

    The parts hold what the list holds, passwords and headers too, and are for their owner alone.

    Args:
        output: the output folder, which this process has for itself.
        shards: how many parts there are to be.

    Raises, when made:
        OutputError: the folder has been cut in another number of shards.
        DiskError: the disk refuses.
    """

    def __init__(self, output: Path, shards: int) -> None:
        self._folder = output / STATE_FOLDER / "shards"
        self._new = output / STATE_FOLDER / "shards.new"
        self._plan = _read_plan(self._folder)
        if (before := self._plan.get("shards", shards)) != shards:
            raise OutputError(
                f"{output} was cut into {before} shards", hint=f"use --shards {before}"
            )
        self._shards = shards
        self._counts = [0] * shards
        self._failed = 0
        self._held: dict[str, bytearray] = {}
        self._size = 0
        self._sizes: Counter[str] = Counter()

    def known(self, key: str) -> Partition | None:
        """Return the parts of the list with *key*, if that is the one that was cut last."""
        if not key or self._plan.get("key") != key:
            return None
        counts, failed, others = (self._plan.get(name) for name in ("counts", "failed", "others"))
        if not isinstance(counts, list) or not isinstance(failed, int):
            return None
        parts = Partition(self._folder, counts, failed, others if isinstance(others, int) else 0)
        # A machine that went down may have kept the plan, and of the parts less than was written.
        there = self._plan.get("sizes") == self._sizes_of(counts, failed)
        return parts if there and len(counts) == self._shards else None

    def _sizes_of(self, counts: Sequence[object], failed: int) -> dict[str, int]:
        """Return how many bytes each part has that is there and has to be."""
        names = [_name(number) for number, count in enumerate(counts) if count]
        files = [self._folder / name for name in [*names, *([_FAILED] if failed else [])]]
        return {file.name: file.stat().st_size for file in files if file.is_file()}

    def begin(self) -> None:
        """Make room for new parts."""
        with _disk(self._new):
            if self._new.is_symlink():
                self._new.unlink()
            shutil.rmtree(self._new, ignore_errors=True)
            self._new.mkdir(mode=0o700, parents=True)

    def add(self, entries: Sequence[Entry]) -> None:
        """Put lines where they belong."""
        for entry in entries:
            line = line_of(entry)
            if isinstance(entry, Failed):
                self._failed += 1
                name = _FAILED
            else:
                host = urls.hostname(entry.url).removesuffix(".")
                # Of hosts that --shard has chosen by their hash the same hash would fill few parts.
                shard = shard_of(f"part {host}", self._shards)
                self._counts[shard] += 1
                name = _name(shard)
            self._held.setdefault(name, bytearray()).extend(line)
            self._size += len(line)
            self._sizes[name] += len(line)
        if self._size >= _HELD:
            self._write()

    def finish(self, key: str, others: int) -> Partition:
        """Return the parts, once all lines have been added; *key* is what they are known by."""
        self._write()
        plan = {
            "format": _FORMAT,
            "key": key,
            "shards": self._shards,
            "counts": self._counts,
            "failed": self._failed,
            "others": others,
            "sizes": self._sizes,
        }
        with _disk(self._folder):
            (self._new / _PLAN).write_text(json.dumps(plan), encoding="utf-8")
            if self._folder.is_symlink():
                self._folder.unlink()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._new.rename(self._folder)
        return Partition(self._folder, self._counts, self._failed, others)

    def _write(self) -> None:
        with _disk(self._new):
            for name, lines in self._held.items():
                with (self._new / name).open("ab") as file:
                    file.write(lines)
        self._held.clear()
        self._size = 0


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn what the system refuses into the error that ends a run."""
    try:
        yield
    except OSError as error:
        raise DiskError(f"cannot use {path}: {error.strerror}", hint="see --output") from error


def key_of(sources: Sequence[str], shard: Shard | None) -> str:
    """Return what a list is known by, to be cut only once; nothing for what cannot be known."""
    known: list[str] = [f"{_FORMAT}", f"{shard or ''}"]
    for source in sources:
        if is_address(source):
            known.append(source)
            continue
        if source == STDIN:
            # Even where a file has that name.
            return ""
        try:
            path = Path(source)
            found = path.stat()
        except (OSError, ValueError):
            return ""
        if not path.is_file():
            return ""
        known.append(f"{path.resolve()} {found.st_size} {found.st_mtime_ns} {found.st_ino}")
    return json.dumps(known)


def _read_plan(folder: Path) -> dict[str, object]:
    try:
        plan = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return plan if isinstance(plan, dict) and plan.get("format") == _FORMAT else {}


def _name(shard: int) -> str:
    return f"{shard:05d}"


def folder_of(shard: int) -> str:
    """Return the folder that a shard's files are in, relative to the output folder."""
    return f"shard-{shard:05d}"
