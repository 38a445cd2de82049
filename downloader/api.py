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
    """Fetch every URL at once, save each body under *folder*, and return what became of each.

    The result has one outcome for each item of *urls*, in that order: ``Downloaded`` (sizes in
    bytes and characters), ``Skipped`` (a duplicate) or ``Failed`` (with its kind and message).
    An expected failure is never raised. For lists too long to hold use :func:`iter_sites`.

    Example:
        >>> outcomes = await download_sites(["https://www.python.org"], "folder")  # doctest: +SKIP
        >>> outcomes[0].sizes.characters  # doctest: +SKIP
        51601

    Args:
        urls: addresses; without a scheme, ``https://`` is meant. May be a generator, which is
            consumed in a thread, no further ahead than needed.
        folder: where files go, created when missing; or the URL of an object store's prefix, such
            as ``s3://bucket/prefix``.
        options: everything else; its ``output`` is replaced by *folder*.

    Raises:
        OutputError: the folder cannot be used.
        DiskError: the disk failed; the rest of *urls* was not tried.
        Exception: whatever iterating *urls* raises.
    """
    outcomes = [outcome async for outcome in iter_sites(urls, folder, options=options)]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def iter_sites(
    urls: Iterable[str | Target],
    folder: str | os.PathLike[str] = "downloaded_sites",
    *,
    options: Options | None = None,
) -> AsyncGenerator[Outcome]:
    """Do what :func:`download_sites` does, yielding each outcome as it becomes known.

    Memory does not grow with the length of *urls*. Leaving the loop early stops what is running;
    use :func:`contextlib.aclosing` to have that happen at once.

    Example:
        >>> async for outcome in iter_sites(open("urls.txt"), "folder"):  # doctest: +SKIP
        ...     print(outcome.url)

    Args:
        urls: as in :func:`download_sites`.
        folder: as in :func:`download_sites`.
        options: as in :func:`download_sites`.

    Raises:
        OutputError: the folder cannot be used.
        DiskError: the disk failed; the rest of *urls* was not tried.
        Exception: whatever iterating *urls* raises.
    """
    place = parse_destination(os.fspath(folder))
    run = replace(options or Options(), output=place.folder, remote=place.remote)
    return LocalRun(lambda _fetch_list: from_items(urls), run).outcomes()
