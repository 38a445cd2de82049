"""The public functions ``download_sites`` and ``iter_sites``."""

import os
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace

from downloader.core.local_run import LocalRun
from downloader.models import Options, Outcome, Target
from downloader.object_store import parse_destination
from downloader.sources import from_items


async def download_sites(
    urls: Iterable[str | Target],
    folder: str | os.PathLike[str] = "downloaded_sites",
    *,
    options: Options | None = None,
) -> list[Outcome]:
    """Fetch all URLs concurrently, save each body in *folder*, and return the outcome of each.

    The result has one outcome for each item of *urls*, in that order: ``Downloaded`` (with sizes
    in bytes and characters), ``Unchanged`` (saved by an earlier run), ``Skipped`` (a duplicate) or
    ``Failed`` (with kind and message). Expected failures are never raised. For lists that are too
    long for memory use :func:`iter_sites`.

    Example:
        >>> outcomes = await download_sites(["https://www.python.org"], "folder")  # doctest: +SKIP
        >>> outcomes[0].sizes.characters  # doctest: +SKIP
        51601

    Args:
        urls: URLs; ``https://`` is added if the scheme is missing. May be a generator, which is
            consumed in a thread, not far ahead of the transfers.
        folder: the folder to save in, created if missing; or the URL of an object store's prefix,
            such as ``s3://bucket/prefix``.
        options: all other options; *folder* replaces its ``output``.

    Raises:
        OutputError: the folder cannot be used.
        DiskError: the disk failed; the remaining *urls* were not tried.
        Exception: any exception that iterating *urls* raises.
    """
    outcomes = [outcome async for outcome in iter_sites(urls, folder, options=options)]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def iter_sites(
    urls: Iterable[str | Target],
    folder: str | os.PathLike[str] = "downloaded_sites",
    *,
    options: Options | None = None,
) -> AsyncGenerator[Outcome]:
    """Fetch like :func:`download_sites`, and yield each outcome as soon as it is known.

    Memory use does not grow with the length of *urls*. Leaving the loop early stops all transfers;
    with :func:`contextlib.aclosing` it stops them at once.

    Example:
        >>> async for outcome in iter_sites(open("urls.txt"), "folder"):  # doctest: +SKIP
        ...     print(outcome.url)

    Args:
        urls: as in :func:`download_sites`.
        folder: as in :func:`download_sites`.
        options: as in :func:`download_sites`.

    Raises:
        OutputError: the folder cannot be used.
        DiskError: the disk failed; the remaining *urls* were not tried.
        Exception: any exception that iterating *urls* raises.
    """
    destination = parse_destination(os.fspath(folder))
    run_options = replace(
        options or Options(), output=destination.folder, remote=destination.remote
    )
    return LocalRun(
        lambda _fetch_list: from_items(urls, run_options.request), run_options
    ).outcomes()
