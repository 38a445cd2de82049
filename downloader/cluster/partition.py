"""Cuts a list into shards by host, on disk, within a bounded memory."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from downloader.cluster.messages import decode_failure, encode_entry
from downloader.errors import DiskError, OutputError
from downloader.journal import STATE_FOLDER
from downloader.models import Failed
from downloader.models.shards import Shard, shard_of
from downloader.sources import STDIN, Entry, is_url
from downloader.web import urls

#: The version of the shard files' format, and of the way in which a list is cut.
_FORMAT = 2
#: Lines of all shards together that are buffered before they are written.
_MAX_BUFFERED_BYTES = 16 * 1024 * 1024
_PLAN_FILE = "plan.json"
_FAILURES_FILE = "failed"


@dataclass(frozen=True, slots=True)
class Partition:
    """A list that has been cut into shards.

    Attributes:
        folder: the folder of the shard files.
        counts: the number of lines of each shard.
        failed: the number of invalid lines, which belong to no shard.
        other_shards: the number of lines that ``--shard`` leaves to other runs.
    """

    folder: Path
    counts: Sequence[int]
    failed: int
    other_shards: int

    @property
    def total(self) -> int:
        """The number of lines of this run."""
        return sum(self.counts) + self.failed

    def read_lines(self, shard: int, offset: int, max_lines: int) -> bytes:
        """Return the next lines of a shard, from that byte on.

        Raises:
            DiskError: they cannot be read, or the file has become shorter.
        """
        path = self.folder / _file_name(shard)
        # Not kept open: there may be more shards than a process may have files.
        with _map_disk_errors(path), path.open("rb") as file:
            file.seek(offset)
            lines = b"".join(islice(file, max_lines))
        if not lines:
            raise DiskError(f"{path} is shorter than it was", hint="run the command again")
        return lines

    def failures(self) -> Iterator[Failed]:
        """Yield the outcomes of the invalid lines."""
        if self.failed:
            with (self.folder / _FAILURES_FILE).open("rb") as file:
                yield from map(decode_failure, file)


class Partitioner:
    """Writes the shards of a list to the ``.download`` folder of an output folder.

    The files contain what the list does, passwords included, and only their owner can read them.

    Args:
        output: the output folder, locked by this process.
        shards: how many shards to cut the list into.

    Raises, when constructed:
        OutputError: the folder has been cut into another number of shards.
        DiskError: the shards cannot be read.
    """

    def __init__(self, output: Path, shards: int) -> None:
        self._folder = output / STATE_FOLDER / "shards"
        self._new_folder = output / STATE_FOLDER / "shards.new"
        self._plan = _read_plan(self._folder)
        if (previous := self._plan.get("shards", shards)) != shards:
            raise OutputError(
                f"{output} was cut into {previous} shards", hint=f"use --shards {previous}"
            )
        self._shards = shards
        self._counts = [0] * shards
        self._failed = 0
        self._buffers: dict[str, bytearray] = {}
        self._buffered_bytes = 0
        self._file_sizes: Counter[str] = Counter()

    def find_existing(self, fingerprint: str) -> Partition | None:
        """Return the partition in the folder, if it is complete and of the list *fingerprint*."""
        if not fingerprint or self._plan.get("key") != fingerprint:
            return None
        counts, failed, others = (self._plan.get(name) for name in ("counts", "failed", "others"))
        if not isinstance(counts, list) or not isinstance(failed, int):
            return None
        other_shards = others if isinstance(others, int) else 0
        partition = Partition(self._folder, counts, failed, other_shards)
        # After a power failure, a shard may be shorter than what was written to it.
        is_complete = self._plan.get("sizes") == self._sizes_on_disk(counts, failed)
        return partition if is_complete and len(counts) == self._shards else None

    def _sizes_on_disk(self, counts: Sequence[object], failed: int) -> dict[str, int]:
        """Return the sizes of the shard files that should exist and do, by file name."""
        names = [_file_name(number) for number, count in enumerate(counts) if count]
        files = [self._folder / name for name in [*names, *([_FAILURES_FILE] if failed else [])]]
        return {file.name: file.stat().st_size for file in files if file.is_file()}

    def begin(self) -> None:
        """Create an empty folder for new shards."""
        with _map_disk_errors(self._new_folder):
            if self._new_folder.is_symlink():
                self._new_folder.unlink()
            shutil.rmtree(self._new_folder, ignore_errors=True)
            self._new_folder.mkdir(mode=0o700, parents=True)

    def add(self, entries: Sequence[Entry]) -> None:
        """Add entries to their shards."""
        for entry in entries:
            line = encode_entry(entry)
            if isinstance(entry, Failed):
                self._failed += 1
                name = _FAILURES_FILE
            else:
                host = urls.hostname(entry.url).removesuffix(".")
                # Not the hash of --shard, which would leave most of the shards here empty.
                shard = shard_of(f"part {host}", self._shards)
                self._counts[shard] += 1
                name = _file_name(shard)
            self._buffers.setdefault(name, bytearray()).extend(line)
            self._buffered_bytes += len(line)
            self._file_sizes[name] += len(line)
        if self._buffered_bytes >= _MAX_BUFFERED_BYTES:
            self._flush()

    def finish(self, fingerprint: str, other_shards: int) -> Partition:
        """Replace the folder's partition by the new one, and return it.

        Args:
            fingerprint: the list's, for :meth:`find_existing`; empty if there is none.
            other_shards: as in :class:`Partition`.
        """
        self._flush()
        plan = {
            "format": _FORMAT,
            "key": fingerprint,
            "shards": self._shards,
            "counts": self._counts,
            "failed": self._failed,
            "others": other_shards,
            "sizes": self._file_sizes,
        }
        with _map_disk_errors(self._folder):
            (self._new_folder / _PLAN_FILE).write_text(json.dumps(plan), encoding="utf-8")
            if self._folder.is_symlink():
                self._folder.unlink()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._new_folder.rename(self._folder)
        return Partition(self._folder, self._counts, self._failed, other_shards)

    def _flush(self) -> None:
        with _map_disk_errors(self._new_folder):
            for name, lines in self._buffers.items():
                with (self._new_folder / name).open("ab") as file:
                    file.write(lines)
        self._buffers.clear()
        self._buffered_bytes = 0


@contextmanager
def _map_disk_errors(path: Path) -> Iterator[None]:
    """Raise ``DiskError``, which ends the run, for ``OSError``."""
    try:
        yield
    except OSError as error:
        raise DiskError(f"cannot use {path}: {error.strerror}", hint="see --output") from error


def fingerprint_of(sources: Sequence[str], shard: Shard | None) -> str:
    """Return a text that identifies an unchanged list, so that it is cut only once.

    It is made from the names, sizes and times of files; it is empty for a list that cannot be
    identified, such as standard input.
    """
    parts: list[str] = [f"{_FORMAT}", f"{shard or ''}"]
    for source in sources:
        if is_url(source):
            parts.append(source)
            continue
        if source == STDIN:
            # Even if there is a file of that name.
            return ""
        try:
            path = Path(source)
            stat = path.stat()
        except (OSError, ValueError):
            return ""
        if not path.is_file():
            return ""
        parts.append(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}")
    return json.dumps(parts)


def _read_plan(folder: Path) -> dict[str, object]:
    try:
        plan = json.loads((folder / _PLAN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return plan if isinstance(plan, dict) and plan.get("format") == _FORMAT else {}


def _file_name(shard: int) -> str:
    return f"{shard:05d}"


def shard_folder(shard: int) -> str:
    """Return the folder of a shard's saved files, relative to the output folder."""
    return f"shard-{shard:05d}"
