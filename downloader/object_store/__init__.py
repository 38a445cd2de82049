"""Object stores: the only room that knows fsspec, by which S3 and all others look the same.

It is imported when a URL of a store is given as the output, and not before.
"""

from downloader.errors import OutputError
from downloader.models import OutputOptions
from downloader.object_store.destination import EXTRA, Destination, destination
from downloader.object_store.protocol import ObjectStore

__all__ = ["Destination", "ObjectStore", "abort", "destination", "open_store"]


def open_store(options: OutputOptions) -> ObjectStore | None:
    """Return the prefix that whole files go to; None if they stay in the output folder.

    It asks the store nothing yet. Each process needs its own, made after it was forked.

    Raises:
        OutputError: the URL is of no store that can be written to, or a package is missing.
    """
    if options.remote is None or not options.save:
        return None
    # It takes a while to load, and most runs do without.
    try:
        from downloader.object_store.fsspec_store import FsspecStore
    except ImportError as error:
        raise OutputError("an object store needs the package fsspec", hint=EXTRA) from error
    return FsspecStore(options.remote)


def abort() -> None:
    """Give up all requests of this process to stores; those that follow are refused."""
    from downloader.object_store import fsspec_store

    fsspec_store.abort()
