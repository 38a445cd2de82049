"""Web archives: record HTTP exchanges as WARC, pack them as WACZ, and replay archives.

Writing: ``recorder`` receives exchanges from the event loop, ``warc_writer`` writes them with
``warc_records`` and ``gzip_members`` to the files of a ``file_series``, and indexes them in
``cdxj`` under ``surt`` keys; ``dedup`` and ``previous_captures`` find the originals of revisits.
``archive_session`` surrounds a run: ``recovery`` repairs the files of killed runs, ``wacz`` packs.
Reading: ``warc_files`` and ``warc_reader`` read the archives of any tool, by ``warcio_reader``;
``http_responses`` are what their records hold; ``archive_index`` replays them, ``orphan_index``
finds responses in a pack that the journal does not know of.

These functions import those modules on first use: warcio takes a tenth of the command's import
time, and few runs write or read an archive.
"""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from downloader.models import ArchiveOptions, StorageOptions, TransferOptions
from downloader.web.filenames import SafePath

if TYPE_CHECKING:
    from downloader.archive.archive_index import ArchiveIndex
    from downloader.archive.archive_session import ArchiveSession
    from downloader.archive.orphan_index import OrphanIndex
    from downloader.archive.recorder import ArchiveRecorder

__all__ = [
    "VolumeCallback",
    "open_index",
    "open_orphan_source",
    "open_recorder",
    "open_replay_source",
    "open_session",
    "pack_index_path",
    "pack_volumes",
    "recover",
    "replay_warnings",
    "seeds",
]

#: Called with each completed WARC file and its index; it may delete both.
VolumeCallback = Callable[[Path, Path], Awaitable[None]]


def open_session(
    options: StorageOptions,
    on_volume: VolumeCallback | None = None,
    on_error: Callable[[Exception], None] | None = None,
) -> "ArchiveSession | None":
    """Return the session that surrounds a run which writes an archive; None for other runs.

    Args:
        options: the options of the run.
        on_volume: called with each completed file, one after the other, including those that
            earlier runs left or that were recovered.
        on_error: called with what *on_volume* raises while the run goes on.
    """
    if not options.archiving:
        return None
    from downloader.archive.archive_session import ArchiveSession

    return ArchiveSession(options, on_volume, on_error)


def open_recorder(options: TransferOptions) -> "ArchiveRecorder | None":
    """Return the recorder of this process's exchanges; None if no archive is written."""
    if not options.archiving:
        return None
    from downloader.archive.archive_session import series_of
    from downloader.archive.recorder import ArchiveRecorder

    return ArchiveRecorder(series_of(options), options)


def open_replay_source(options: ArchiveOptions) -> "ArchiveIndex | None":
    """Index the archives to replay; return None for a run on the network. It blocks.

    Raises:
        SourceError: an archive cannot be read.
    """
    if not options.replay:
        return None
    from downloader.archive.archive_index import load_index

    return load_index(options.replay)


def open_index(paths: tuple[Path, ...]) -> "ArchiveIndex":
    """Index archives, to look at what they hold. It blocks.

    Raises:
        SourceError: an archive cannot be read.
    """
    from downloader.archive.archive_index import load_index

    return load_index(paths)


def open_orphan_source(options: StorageOptions) -> "OrphanIndex | None":
    """Return the responses in the pack that the journal may not know of; None without a pack.

    It blocks.
    """
    if options.pack is None:
        return None
    from downloader.archive.file_series import PackVolumes
    from downloader.archive.orphan_index import OrphanIndex

    return OrphanIndex(PackVolumes(options.output))


def pack_index_path(path: SafePath) -> SafePath | None:
    """Return the path of the index of a pack volume; None if *path* is not a pack volume."""
    from downloader.archive.file_series import index_path, is_pack_volume

    return SafePath(str(index_path(Path(path)))) if is_pack_volume(path) else None


def pack_volumes(folder: Path) -> list[Path]:
    """Return the volumes of the pack in an output folder, in order."""
    from downloader.archive.file_series import is_pack_volume

    return sorted(each for each in folder.glob("pack-*") if is_pack_volume(each.name))


def recover(options: StorageOptions) -> list[str]:
    """Complete the files that dead processes left open; return warnings. It blocks.

    Raises:
        DiskError: the archive cannot be written.
    """
    from downloader.archive import recovery
    from downloader.archive.archive_session import series_of
    from downloader.archive.recorder import disk_error

    try:
        return recovery.recover(series_of(options))
    except OSError as error:
        raise disk_error(error) from error


def seeds(paths: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    """Yield the origin (file and offset) and URL of each capture that is not a redirect's target.

    It blocks.

    Raises:
        SourceError: an archive cannot be read, or the archives hold no capture.
    """
    from downloader.archive.archive_index import load_index

    return load_index(paths).seeds()


def replay_warnings(options: ArchiveOptions) -> list[str]:
    """Return one line for each replayed archive with records that are left out."""
    if not options.replay:
        return []
    from downloader.archive.archive_index import loaded_warnings

    return loaded_warnings(options.replay)
