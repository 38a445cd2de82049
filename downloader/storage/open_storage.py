"""The storage that the options ask for."""

from collections.abc import Callable

from downloader.models import OutputOptions, StorageOptions
from downloader.object_store.protocol import ObjectStore
from downloader.storage.local_storage import LocalStorage, SingleFileStorage
from downloader.storage.null_storage import NullStorage
from downloader.storage.object_storage import ObjectStorage
from downloader.storage.output_folder import OutputFolder
from downloader.storage.storage import Storage
from downloader.web.filenames import SafePath


def open_storage(
    options: StorageOptions,
    free_descriptors: Callable[[], None] = lambda: None,
    store: ObjectStore | None = None,
) -> Storage:
    """Return the storage for bodies: a folder, the *store* if there is one, or one that saves none.

    Nothing is saved here when bodies go into a pack. *free_descriptors* is called when the process
    has no file descriptor left, to close those that others hold idle.
    """
    if not options.save or options.pack is not None:
        return NullStorage()
    if options.stream is not None:
        # Imported late: few runs need it.
        from downloader.storage.stream_storage import StreamStorage

        return StreamStorage(options.stream)
    if options.file is not None:
        return SingleFileStorage(options.output, SafePath(options.file), free_descriptors)
    if store is not None:
        return ObjectStorage(options.output, store, free_descriptors)
    return LocalStorage(options.output, free_descriptors)


def create_output_folder(options: OutputOptions) -> None:
    """Create the output folder, unless nothing is saved; this blocks.

    Raises:
        OutputError: it cannot be created or used.
        DiskError: the disk refuses.
    """
    if options.save and options.stream is None:
        folder = OutputFolder(options.output)
        folder.open()
        folder.close()
