"""The public functions ``download_sites``, ``iter_sites`` and ``read_list``."""

import os
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import replace

from downloader import sources
from downloader.core.local_run import LocalRun
from downloader.errors import BadUrlError
from downloader.models import Failed, Options, Outcome, Target
from downloader.object_store import parse_destination
from downloader.web.urls import Url


async def download_sites(
    urls: Iterable[str | Target | Failed],
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
            consumed in a thread, not far ahead of the transfers. :func:`read_list` reads them from
            a list in any format.
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
    urls: Iterable[str | Target | Failed],
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
        lambda fetch_list: _entries(urls, run_options, fetch_list), run_options
    ).outcomes()


def read_list(
    source: str | os.PathLike[str], *, options: Options | None = None
) -> Iterator[Target | Failed]:
    """Yield the lines of a list in any format, for :func:`download_sites` and :func:`iter_sites`.

    Each line keeps its address as it was written, its number and its other columns; so do its
    outcome, in ``source_line``, and the record that ``to_dict`` returns. A line that is no URL is
    yielded as its failure.

    Example:
        >>> targets = read_list("papers.csv", options=Options(url_column="pdf"))  # doctest: +SKIP
        >>> wanted = (each for each in targets if isinstance(each, Target))  # doctest: +SKIP

    Args:
        source: a file; or ``-`` for standard input.
        options: ``url_column``, ``keep_columns``, ``base`` and the request count.

    Raises:
        SourceError: the list cannot be read, or holds nothing.
    """
    settings = sources.ListSettings.of(
        replace(options or Options(), keep_input=True, sitemap=()), lambda _note: None
    )
    return sources.read((os.fspath(source),), _refuse_nested_list, settings)


def _entries(
    urls: Iterable[str | Target | Failed], options: Options, fetch_list: sources.FetchList
) -> Iterator[sources.Entry]:
    """Yield the items of a program, and then what the sitemaps of the options hold."""
    count = 0
    for entry in sources.from_items(urls, options.request, keeps_input=options.keep_input):
        count = entry.index + 1
        yield entry
    if options.sitemap:
        settings = sources.ListSettings.of(options, lambda _note: None)
        for entry in sources.read((), fetch_list, settings):
            yield replace(entry, index=count + entry.index)


def _refuse_nested_list(_url: Url, _home: Url) -> Iterator[bytes]:
    raise BadUrlError(
        "a sitemap that an index names is on the network", hint="use Options(sitemap=...)"
    )
