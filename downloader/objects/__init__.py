"""Object stores: the only room that knows fsspec, by which S3 and all others look the same.

It is imported when a URL of a store is given as the output, and not before.
"""

from downloader.bucket import Bucket
from downloader.models import Options
from downloader.objects.places import Destination, destination

__all__ = ["Bucket", "Destination", "bucket_of", "destination"]


def bucket_of(options: Options) -> Bucket | None:
    """Return the prefix that whole files go to; None if they stay in the output folder.

    It asks the store nothing yet. Each process needs its own, made after it was forked.

    Raises:
        OutputError: the URL is of no store that can be written to, or a package is missing.
    """
    if options.remote is None or not options.save:
        return None
    # It takes a while to load, and most runs do without.
    from downloader.objects.prefix import Prefix

    return Prefix(options.remote)
