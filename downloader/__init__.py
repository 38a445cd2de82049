"""The concurrent website downloader, as a library.

Public are this module and :mod:`downloader.errors`; every other module may change in any release.
What this module exports is imported when it is first used, so that ``import downloader`` is cheap.

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

from importlib import import_module

from downloader._version import __version__

#: Type checkers read this as true; the one of ``typing`` would cost most of this import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from downloader import errors
    from downloader.api import download_sites, iter_sites, read_list
    from downloader.errors import DownloadError, ErrorKind, OutputError, RunError, SourceError
    from downloader.models import (
        Checksum,
        Downloaded,
        ExtractedPage,
        Failed,
        HostAddresses,
        InputLine,
        Options,
        Outcome,
        Request,
        Sizes,
        Skipped,
        Target,
        TextFormat,
        Unchanged,
    )
else:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562)."""
        if name == "errors":
            return import_module("downloader.errors")
        if name in __all__:
            for module in map(import_module, _EXPORTING_MODULES):
                if hasattr(module, name):
                    globals()[name] = value = getattr(module, name)
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: The modules that define the names below.
_EXPORTING_MODULES = ("downloader.errors", "downloader.models", "downloader.api")

__all__ = [
    "Checksum",
    "DownloadError",
    "Downloaded",
    "ErrorKind",
    "ExtractedPage",
    "Failed",
    "HostAddresses",
    "InputLine",
    "Options",
    "Outcome",
    "OutputError",
    "Request",
    "RunError",
    "Sizes",
    "Skipped",
    "SourceError",
    "Target",
    "TextFormat",
    "Unchanged",
    "__version__",
    "download_sites",
    "errors",
    "iter_sites",
    "read_list",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
