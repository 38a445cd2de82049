"""Object stores, such as S3, through fsspec: whole objects below a prefix.

fsspec is imported only when the output is the URL of an object store.
"""

from downloader.errors import OutputError
from downloader.models import OutputOptions
from downloader.object_store.destination import INSTALL_HINT, Destination, parse_destination
from downloader.object_store.protocol import ObjectStore

__all__ = ["Destination", "ObjectStore", "abort", "open_store", "parse_destination"]


def open_store(options: OutputOptions) -> ObjectStore | None:
    """Return the store that complete files are uploaded to; None if the output is a folder.

    It sends no request yet. Each process opens its own store, after it has been forked.

    Raises:
        OutputError: the URL's scheme cannot be written to, or a package is missing.
    """
    if options.remote is None or not options.save:
        return None
    # fsspec takes long to import, and most runs do not need it.
    try:
        from downloader.object_store.fsspec_store import FsspecStore
    except ImportError as error:
        raise OutputError("an object store needs the package fsspec", hint=INSTALL_HINT) from error
    return FsspecStore(options.remote)


def abort() -> None:
    """Cancel this process's requests to object stores, and refuse later ones."""
    from downloader.object_store import fsspec_store

    fsspec_store.abort()
