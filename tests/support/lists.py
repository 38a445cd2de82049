"""Lists that a test writes, and what is read from them."""

from collections.abc import Iterable, Iterator

from downloader.errors import SourceError
from downloader.models import Failed, Target
from downloader.sources import Entry, FetchList, ListSettings
from downloader.sources.entries import from_line
from downloader.sources.list_input import DEFAULT_SETTINGS
from downloader.sources.list_reader import ListReader
from downloader.web.urls import Url


def no_fetching(url: Url, home: Url) -> Iterator[bytes]:
    raise AssertionError(f"nothing names {url}")


def pieces(data: str | bytes, step: int | None = None) -> Iterator[bytes]:
    body = data.encode() if isinstance(data, str) else data
    step = step or len(body) or 1
    return (body[start : start + step] for start in range(0, len(body), step))


def stream(
    chunks: Iterator[bytes],
    name: str = "list",
    fetch_list: FetchList = no_fetching,
    settings: ListSettings = DEFAULT_SETTINGS,
    *,
    is_typed: bool = False,
) -> Iterator[Entry]:
    """Yield the entries of a list that arrives in pieces which the test decides."""
    lines = ListReader(fetch_list, settings).lines(chunks, name, name, is_typed=is_typed)
    return (from_line(line, index) for index, line in enumerate(lines))


def entries(
    data: str | bytes,
    name: str = "list",
    step: int | None = None,
    settings: ListSettings = DEFAULT_SETTINGS,
) -> list[Entry]:
    return list(stream(pieces(data, step), name, settings=settings))


def partly(
    data: str | bytes,
    name: str = "list",
    step: int | None = None,
    fetch_list: FetchList = no_fetching,
) -> tuple[list[Entry], str]:
    """Return what a list holds before the error that ends it, and what that says."""
    found: list[Entry] = []
    try:
        found.extend(stream(pieces(data, step), name, fetch_list))
    except SourceError as error:
        return found, error.message
    return found, ""


def addresses(found: Iterable[Entry]) -> list[str]:
    """Return the addresses of targets, and what else failures show, between question marks."""
    return [entry.url if isinstance(entry, Target) else f"?{entry.url}?" for entry in found]


def origins(found: Iterable[Entry]) -> list[str]:
    return [entry.origin for entry in found]


def target(entry: Entry) -> Target:
    assert isinstance(entry, Target)
    return entry


def failed(entry: Entry) -> Failed:
    assert isinstance(entry, Failed)
    return entry
