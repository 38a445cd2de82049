"""The concurrent website downloader, as a library.

Example:
    >>> import asyncio
    >>> from downloader import Downloaded, download_sites
    >>> async def main() -> None:
    ...     for outcome in await download_sites(["https://www.python.org"], "folder"):
    ...         if isinstance(outcome, Downloaded):
    ...             print(outcome.path, outcome.sizes.characters)
    ...         else:
    ...             print(outcome)
    >>> asyncio.run(main())  # doctest: +SKIP
"""

from downloader._version import __version__
from downloader.api import download_sites, iter_sites
from downloader.errors import DownloadError, ErrorKind, OutputError, RunError, SourceError
from downloader.models import (
    Checksum,
    Downloaded,
    Failed,
    Options,
    Outcome,
    Sizes,
    Skipped,
    Target,
    Unchanged,
)

__all__ = [
    "Checksum",
    "DownloadError",
    "Downloaded",
    "ErrorKind",
    "Failed",
    "Options",
    "Outcome",
    "OutputError",
    "RunError",
    "Sizes",
    "Skipped",
    "SourceError",
    "Target",
    "Unchanged",
    "__version__",
    "download_sites",
    "iter_sites",
]
