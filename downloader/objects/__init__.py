"""Object stores: the only room that knows fsspec, by which S3 and all others look the same.

It is imported when a URL of a store is given as the output, and not before.
"""

from downloader.bucket import Bucket
from downloader.errors import OutputError
from downloader.models import Options
from downloader.objects.places import EXTRA, Destination, destination

__all__ = ["Bucket", "Destination", "abort", "bucket_of", "destination"]


def bucket_of(options: Options) -> Bucket | None:
    """Return the prefix that whole files go to; None if they stay in the output folder.

    It asks the store nothing yet. Each process needs its own, made after it was forked.

    Raises:
        OutputError: the URL is of no store that can be written to, or a package is missing.
    """
    if options.remote is None or not options.save:
        return None
    # It takes a while to load, and most runs do without.
    try:
        from downloader.objects.prefix import Prefix
    except ImportError as error:
        raise OutputError("an object store needs the package fsspec", hint=EXTRA) from error
    return Prefix(options.remote)


def abort() -> None:
    """Give up all requests of this process to stores; those that follow are refused."""
    from downloader.objects import prefix

    prefix.abort()
