"""Pure: where a tool saved a page, and what of its resources a mirror has."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from benchmarks.mirrors.data import Links, Resource

PAGES = (".html", ".htm", ".xhtml")


def spread(items: Sequence[str], count: int) -> list[str]:
    """Return *count* of the items (all, if there are fewer), evenly from the first to the last."""
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def file_of(url: str, files: Iterable[str]) -> str | None:
    """Return which of a mirror's files is the page *url*, or None.

    Every tool names a folder by the host (with the port after ``:`` or ``_``, or without) and
    keeps the path below it. The last part may have got ``.html``, another extension of a page, or
    something before the extension; the nearest name counts.
    """
    address = urlsplit(url)
    wanted = PurePosixPath(unquote(address.path).lstrip("/"))
    best: tuple[int, str] | None = None
    for file in files:
        host, _, rest = file.partition("/")
        if host.startswith(address.hostname or "") and rest:
            distance = _distance(wanted, PurePosixPath(rest))
            if distance is not None and (best is None or (distance, file) < best):
                best = distance, file
    return best and best[1]


def _distance(wanted: PurePosixPath, got: PurePosixPath) -> int | None:
    if got == wanted:
        return 0
    if got.parent != wanted.parent or got.suffix not in PAGES:
        return None
    if got.name == f"{wanted.name}.html":
        return 1
    if got.stem == wanted.stem:
        return 2
    return 3 if got.stem.startswith(f"{wanted.stem}-") else None


def missing(online: Iterable[Resource], offline: Iterable[Resource]) -> tuple[str, ...]:
    """Return the names of what a page loads online and not offline.

    A resource is known again by its bytes, whatever its name is now. What has other bytes, because
    a tool gave it new links, is known by its name: it begins as the old one did, and has the same
    extension. Nothing stands for two.
    """
    left = list(offline)
    changed: list[Resource] = []
    for resource in online:
        same = next((one for one in left if one.digest == resource.digest), None)
        if same is None:
            changed.append(resource)
        else:
            left.remove(same)
    gone: list[str] = []
    for resource in changed:
        named = [one for one in left if _is_named_after(one.name, resource.name)]
        if named:
            left.remove(min(named, key=lambda one: len(one.name)))
        else:
            gone.append(resource.name)
    return tuple(gone)


def _is_named_after(name: str, original: str) -> bool:
    path = PurePosixPath(original.partition("?")[0])
    return name.startswith(path.stem) and path.suffix in name


def sorted_links(links: Iterable[str], root: str, exists: Callable[[str], bool]) -> Links:
    """Return where links lead, seen from a mirror whose files are below the address *root*.

    A link opens locally if its file *exists*, whatever its query is: a static server has no use for
    one. Links that lead to no page, such as ``mailto:``, do not count.
    """
    local, absolute, dangling = [], [], []
    home = urlsplit(root)
    for link in links:
        address = urlsplit(link)
        if address.scheme not in {"http", "https", "file"}:
            continue
        if (address.scheme, address.netloc) != (home.scheme, home.netloc):
            absolute.append(link)
        elif address.path.startswith(home.path) and exists(
            unquote(address.path.removeprefix(home.path))
        ):
            local.append(link)
        else:
            dangling.append(link)
    return Links(tuple(local), tuple(absolute), tuple(dangling))
