"""Find where a tool saved a page, and which of its resources a mirror has; no I/O."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from benchmarks.mirrors.model import Links, Resource

PAGES = (".html", ".htm", ".xhtml")


def spread(items: Sequence[str], count: int) -> list[str]:
    """Return *count* of the items (or all, if there are fewer), at even intervals."""
    count = min(count, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def file_of(url: str, files: Iterable[str]) -> str | None:
    """Return the file of a mirror that is the page *url*, or None.

    Every tool names a folder by the host (with the port after ``:`` or ``_``, or without it) and
    keeps the path below it. A tool may have added ``.html`` to the last segment, changed its
    extension, or inserted something before the extension; the most similar name is returned.
    """
    parts = urlsplit(url)
    path = PurePosixPath(unquote(parts.path).lstrip("/"))
    best: tuple[int, str] | None = None
    for file in files:
        host, _, rest = file.partition("/")
        if host.startswith(parts.hostname or "") and rest:
            distance = _distance(path, PurePosixPath(rest))
            if distance is not None and (best is None or (distance, file) < best):
                best = distance, file
    return best and best[1]


def _distance(path: PurePosixPath, file: PurePosixPath) -> int | None:
    if file == path:
        return 0
    if file.parent != path.parent or file.suffix not in PAGES:
        return None
    if file.name == f"{path.name}.html":
        return 1
    if file.stem == path.stem:
        return 2
    return 3 if file.stem.startswith(f"{path.stem}-") else None


def missing(online: Iterable[Resource], offline: Iterable[Resource]) -> tuple[str, ...]:
    """Return the names of the resources that a page loads online, but not offline.

    A resource is recognised by its bytes, whatever its name is. If its bytes differ, because a tool
    rewrote its links, it is recognised by its name, which begins as the old one and has the same
    extension. Each offline resource counts once.
    """
    unmatched = list(offline)
    changed: list[Resource] = []
    for resource in online:
        same = next((one for one in unmatched if one.digest == resource.digest), None)
        if same is None:
            changed.append(resource)
        else:
            unmatched.remove(same)
    lost: list[str] = []
    for resource in changed:
        named = [one for one in unmatched if _is_named_after(one.name, resource.name)]
        if named:
            unmatched.remove(min(named, key=lambda one: len(one.name)))
        else:
            lost.append(resource.name)
    return tuple(lost)


def _is_named_after(name: str, original: str) -> bool:
    path = PurePosixPath(original.partition("?")[0])
    return name.startswith(path.stem) and path.suffix in name


def sorted_links(links: Iterable[str], root: str, exists: Callable[[str], bool]) -> Links:
    """Return where links lead, seen from a mirror at the URL *root*.

    A link is local if its file *exists*, whatever its query is, because a static server ignores
    queries. Links that are not to pages, such as ``mailto:``, are left out.
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
