"""Web archives: every exchange of a run in WARC files, packed as WACZ, and read again.

``records`` says what is written of an exchange, ``members`` compresses it, ``writer`` puts it into
the files that ``names`` knows, and lists it in an ``index`` under the key that ``surt`` makes;
``dedup`` and ``earlier`` know what is there already, ``leftovers`` what is there without a note.
``recorder`` is their side of the event loop.
``recovery`` makes whole files of what a killed run left, ``wacz`` packs them, and ``keeping`` does
both around a run. The other way, ``volumes`` and ``reading`` read archives of whatever tool, and
``holdings`` answers from them in the network's place.

What is behind these functions is imported when it is needed: it takes a tenth as long as all else
that the command imports, and few runs keep or read an archive.
"""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from downloader.models import ArchiveOptions, StorageOptions, TransferOptions
from downloader.web.filenames import SafePath

if TYPE_CHECKING:
    from downloader.archive.archive_index import ArchiveIndex
    from downloader.archive.orphan_index import OrphanIndex
    from downloader.archive.recorder import ArchiveRecorder
    from downloader.archive.session import ArchiveSession

__all__ = [
    "Whole",
    "index_of",
    "open_archive",
    "open_index",
    "open_session",
    "orphans_of",
    "recovered",
    "targets",
]

#: Told of each file of an archive that has become whole, and of its index; it may remove them.
Whole = Callable[[Path, Path], Awaitable[None]]


def open_session(
    options: StorageOptions,
    whole: Whole | None = None,
    failed: Callable[[Exception], None] | None = None,
) -> "ArchiveSession | None":
    """Return what surrounds a run that keeps an archive; None for one that does not.

    *whole* is told of each file that is whole, one after the other: also of those that earlier runs
    have left, and of what is recovered. *failed* is told, in mid-run, of what it raises.
    """
    if not options.archiving:
        return None
    from downloader.archive.session import ArchiveSession

    return ArchiveSession(options, whole, failed)


def open_archive(options: TransferOptions) -> "ArchiveRecorder | None":
    """Return what keeps the exchanges of this process; None where no archive is kept."""
    if not options.archiving:
        return None
    from downloader.archive.recorder import ArchiveRecorder
    from downloader.archive.session import series_of

    return ArchiveRecorder(series_of(options), options)


def index_of(path: SafePath) -> SafePath | None:
    """Return where the index of the volume of a pack is; None of what is no such volume."""
    from downloader.archive.file_series import index_path, is_volume

    return SafePath(str(index_path(Path(path)))) if is_volume(path) else None


def orphans_of(options: StorageOptions) -> "OrphanIndex | None":
    """Return what killed runs have packed and not noted; None without packs. It blocks."""
    if options.pack is None:
        return None
    from downloader.archive.file_series import PackVolumes
    from downloader.archive.orphan_index import OrphanIndex

    return OrphanIndex(PackVolumes(options.output))


def open_index(options: ArchiveOptions) -> "ArchiveIndex | None":
    """Return the archives that answer in the network's place; None for the network. It blocks.

    Raises:
        SourceError: one cannot be read.
    """
    if not options.replay:
        return None
    from downloader.archive.archive_index import archived_urls

    return archived_urls(options.replay)


def recovered(options: StorageOptions) -> list[str]:
    """Make whole what processes that are dead have left; return lines for a person. It blocks.

    Raises:
        DiskError: the disk refuses.
    """
    from downloader.archive.recorder import disk_error
    from downloader.archive.recovery import recover
    from downloader.archive.session import series_of

    try:
        return recover(series_of(options))
    except OSError as error:
        raise disk_error(error) from error


def targets(paths: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    """Yield where, and which, addresses are held that were asked for by themselves; this blocks.

    Raises:
        SourceError: an archive cannot be read, or none holds an address.
    """
    from downloader.archive.archive_index import archived_urls

    return archived_urls(paths).targets()
