"""A saved folder, served as if its sites still were where they came from.

Links that a mirror rewrote are relative to the file that they are in, and scripts ask for the paths
of the site. So an address at the root of a site is looked for in three places, in this order:

1. the file of that path in the folder of the site, as a static server of that folder would find it;
2. the file that was saved of the original URL at that path;
3. the file of that path in the whole folder: what ``../other.example/style.css`` in a file of this
   site leads to, as the root of the site takes the ``..``.

An address with a query is first looked for as an original URL. A page of another site is never
sent: the browser is redirected to the root of that site, so that it runs with that origin.

Documents of a run that did not mirror have the links that their servers sent. Those to what else is
saved are rewritten when the document is sent.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from downloader.errors import BadUrlError, OutputError
from downloader.journal import RecordedUrl, RowState, TargetRole, has_journal, recorded_urls
from downloader.links import Document
from downloader.links.page_text import page_title
from downloader.mirror.check.mirror_folder import MirrorFolder
from downloader.models.url_record import Record
from downloader.serve.catalogue import (
    Catalogue,
    CatalogueEntry,
    EntryState,
    PageDetails,
    SavedSite,
)
from downloader.serve.entry_records import entry_records
from downloader.serve.local_links import has_links, with_local_links
from downloader.serve.saved_content import Fields, NotSaved, OriginOf, SeeOther, ServedBody
from downloader.storage import FolderReader
from downloader.web import urls
from downloader.web.charset import decode_text
from downloader.web.filenames import stays_within
from downloader.web.media_types import PAGE_TYPES, guess_media_type
from downloader.web.path_parts import PART
from downloader.web.urls import Url

#: The beginning of a page, in which its title is looked for.
_TITLE_BYTES = 16 * 1024
_INDEX = "index.html"
#: Characters of a path that need no escape.
_SAFE = "/@=&,+!$;~:"
_SCHEMES = ("https", "http")
_FIELDS = (("Cross-Origin-Resource-Policy", "same-origin"),)
#: Of a file that belongs to another site: opened by itself, such as an SVG file with scripts, it
#: must not run with this site's origin.
_FOREIGN_FIELDS = (("Content-Security-Policy", "sandbox; style-src 'unsafe-inline'"),)
_NOT_FETCHED = (
    "it was found, but not fetched: robots.txt or an option left it out, or the run ended before it"
)
_WITHDRAWN = "it was fetched for its links only"


class SavedFolder:
    """A folder, and the catalogue of what is in it; implements ``SavedContent``.

    Args:
        root: the folder.
        entries: what is in it, if anything else than the folder knows.

    Raises, on creation:
        OutputError: the folder cannot be read, or its journal is broken.
        BusyError: a run is using it.
    """

    def __init__(self, root: Path, entries: Iterable[CatalogueEntry] | None = None) -> None:
        self.name = str(root)
        self.warnings: list[str] = []
        self.catalogue = Catalogue()
        self._reader = FolderReader(root)
        if entries is None:
            entries = _journal_entries(root) if has_journal(root) else _file_entries(root)
        self.catalogue.fill(entries)

    def answer(
        self, site: SavedSite, target: str, origin_of: OriginOf
    ) -> ServedBody | SeeOther | NotSaved:
        """Return what is sent for *target*, a path and perhaps a query, at the root of *site*."""
        path, question, _ = target.partition("?")
        asked = _Asked(site, path, origin_of)
        name = _file_name(path)
        in_folder = f"{site.folder}/{name}" if site.folder else name
        index = f"{in_folder.removesuffix('/')}/{_INDEX}"
        entry = self._by_url(site, target)
        found: ServedBody | SeeOther | None = None
        if question and entry is not None:
            found = self._saved(asked, entry)
        found = found or self._file(asked, in_folder)
        if entry is None and question:
            entry = self._by_url(site, path)
        if found is None and entry is not None:
            found = self._saved(asked, entry)
        found = found or self._file(asked, index) or self._file(asked, name)
        if found is not None:
            return found
        if entry is not None:
            return NotSaved(entry.url, entry)
        return NotSaved(f"{site.scheme}://{site.host}{target}" if site.host else "")

    def address_of(self, entry: CatalogueEntry) -> SeeOther | None:
        """Return where an entry is served; None if it is not."""
        site = self.catalogue.site(id=entry.site)
        if site is None or entry.path is None or entry.state is not EntryState.SAVED:
            return None
        return SeeOther(site, _canonical_path(site, entry.path, entry))

    def details_of(self, entry: CatalogueEntry) -> PageDetails:
        """Read the title of a page."""
        title = ""
        file = self._reader.open(entry.path) if entry.path is not None else None
        if file is not None:
            with file:
                head = file.read(_TITLE_BYTES)
            title = page_title(decode_text(head, _content_type(entry), entry.media_type))
        return PageDetails(entry.id, title, entry.media_type, entry.size, entry.is_page)

    def records(self) -> Iterator[Record]:
        """Yield the records of a report on what is saved."""
        return entry_records(self.catalogue)

    def close(self) -> None:
        """Release what is held."""
        self._reader.close()
        self.catalogue.close()

    def _by_url(self, site: SavedSite, target: str) -> CatalogueEntry | None:
        """Return the entry of the original URL that *target* stands for."""
        if not site.host:
            return None
        schemes = dict.fromkeys((site.scheme, *_SCHEMES))
        try:
            wanted = [urls.parse(f"{scheme}://{site.host}{target}") for scheme in schemes]
        except BadUrlError:
            return None
        return self.catalogue.by_url(wanted)

    def _saved(self, asked: "_Asked", entry: CatalogueEntry) -> ServedBody | SeeOther | None:
        """Return the file of an entry, or where to look for it; None if there is none."""
        if entry.state is EntryState.REDIRECTED and entry.final_url is not None:
            final = self.catalogue.by_url([entry.final_url])
            return None if final is None else self.address_of(final)
        if entry.state is not EntryState.SAVED or entry.path is None:
            return None
        return self._file(asked, entry.path, entry)

    def _file(
        self, asked: "_Asked", name: str, entry: CatalogueEntry | None = None
    ) -> ServedBody | SeeOther | None:
        """Return the file *name*, or the address where its relative links are right.

        Args:
            asked: what was asked for.
            name: relative to the folder.
            entry: of the file, if it is known.
        """
        if not _is_served(name) or (file := self._reader.open(name)) is None:
            return None
        entry = entry or self.catalogue.by_path(name)
        owner = asked.site if entry is None else self.catalogue.site(id=entry.site) or asked.site
        canonical = _canonical_path(owner, name, entry)
        is_page = entry.is_page if entry is not None else guess_media_type(name) in PAGE_TYPES
        if _folder_of(canonical) != _folder_of(asked.path):
            # Relative links in the file are right at its path in the whole folder, too.
            is_right = _file_name(asked.path) == name and not is_page
        else:
            is_right = owner == asked.site or not is_page
        if not is_right:
            file.close()
            return SeeOther(owner, canonical)
        fields = (*_FIELDS, *(_FOREIGN_FIELDS if owner != asked.site else ()))
        if entry is not None and entry.has_original_links:
            size = os.fstat(file.fileno()).st_size
            if has_links(entry.media_type, size):
                with file:
                    return self._with_local_links(asked, entry, file.read(), fields)
        return _body(file, name, entry, fields)

    def _with_local_links(
        self, asked: "_Asked", entry: CatalogueEntry, body: bytes, fields: Fields
    ) -> ServedBody:
        """Return a document of a run that did not mirror, with links to what else is saved."""
        url = Url(entry.final_url or entry.url.rpartition(" ")[2])
        document = Document(body, entry.media_type, url, entry.charset or None)
        body = with_local_links(document, self.catalogue, partial(self._address, asked))
        return ServedBody(
            file=io.BytesIO(body),
            size=len(body),
            content_type=_content_type(entry),
            etag=hashlib.sha256(body).hexdigest()[:32],
            fields=fields,
        )

    def _address(self, asked: "_Asked", entry: CatalogueEntry) -> str:
        """Return the address by which a page of the site that was asked for refers to an entry."""
        address = self.address_of(entry)
        if address is None:
            return ""
        if address.site != asked.site and not entry.is_page:
            # At the root of its own site, browsers would not let this one use it.
            return f"/{quote(entry.path or '', safe=_SAFE)}"
        return f"{asked.origin_of(address.site.label)}{address.path}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a browser asks for: a path, without query, at the root of a site."""

    site: SavedSite
    path: str
    origin_of: OriginOf


def _body(file: BinaryIO, name: str, entry: CatalogueEntry | None, fields: Fields) -> ServedBody:
    status = os.fstat(file.fileno())
    content_type = _content_type(entry) if entry is not None else ""
    return ServedBody(
        file=file,
        size=status.st_size,
        content_type=content_type or guess_media_type(name),
        # A file that is replaced gets another time of change, whatever time its server gave it.
        etag=f"{status.st_ctime_ns:x}-{status.st_size:x}",
        modified=status.st_mtime,
        fields=fields,
    )


def _journal_entries(root: Path) -> Iterator[CatalogueEntry]:
    """Yield the entries of an output folder.

    Raises:
        OutputError: its bodies are in a pack.
    """
    for row in recorded_urls(root):
        if row.packed_at is not None:
            raise OutputError(f"the pack of {root} has no volumes")
        yield _journal_entry(row)


def _journal_entry(row: RecordedUrl) -> CatalogueEntry:
    state, message = EntryState.SKIPPED, _NOT_FETCHED
    if row.state == RowState.DONE and row.withdrawn:
        message = _WITHDRAWN
    elif row.state == RowState.DONE and row.path is not None:
        state, message = EntryState.SAVED, ""
    elif row.state == RowState.MOVED and row.final_url is not None:
        state, message = EntryState.REDIRECTED, ""
    elif row.state == RowState.FAILED:
        message = f"{row.message} ({row.kind})"
        if row.role != TargetRole.OPTIONAL:
            state = EntryState.FAILED
    is_saved = state is EntryState.SAVED
    media_type = row.media_type or (guess_media_type(row.path) if row.path else "")
    is_page = is_saved and media_type in PAGE_TYPES
    return CatalogueEntry(
        url=row.url if row.request is None else f"{row.request.partition(' ')[0]} {row.url}",
        state=state,
        path=row.path if is_saved else None,
        media_type=media_type if is_saved else "",
        charset=row.charset or "",
        size=row.size if is_saved else None,
        wire_size=row.wire if is_saved else None,
        saved_at=row.finished,
        final_url=row.final_url,
        message=message,
        title=None if is_page else "",
        is_page=is_page,
        has_original_links=is_saved and not row.is_rewritten,
    )


def _file_entries(root: Path) -> Iterator[CatalogueEntry]:
    """Yield the files of a folder without a journal, whose URLs are not known."""
    for path in MirrorFolder(root).files():
        if isinstance(path, str) and _is_served(path):
            try:
                path.encode()
                status = (root / path).lstat()
            except (OSError, UnicodeEncodeError):
                # A name that is not UTF-8 is served, but not listed.
                continue
            media_type = guess_media_type(path)
            yield CatalogueEntry(
                url=path,
                state=EntryState.SAVED,
                path=path,
                media_type=media_type,
                size=status.st_size,
                saved_at=status.st_mtime,
                title=None if media_type in PAGE_TYPES else "",
                is_page=media_type in PAGE_TYPES,
            )


def _file_name(path: str) -> str:
    """Return the file that a static server would look for at a percent-encoded path."""
    name = unquote(path, errors="surrogateescape").removeprefix("/")
    # An escaped slash separates no folders.
    if name.count("/") != path.count("/") - 1:
        return ""
    return name


def _is_served(name: str) -> bool:
    """Return whether a name is that of a saved file, below the folder and not hidden."""
    if os.name != "nt":
        name = name.replace(":", "_")
    return stays_within(name) and not name.endswith(PART)


def _canonical_path(owner: SavedSite, name: str, entry: CatalogueEntry | None) -> str:
    """Return the path of the file *name* at the root of the site that it belongs to."""
    if entry is not None and entry.url.partition("://")[2] == f"{owner.host}/":
        return "/"
    inside = name.removeprefix(f"{owner.folder}/") if owner.folder else name
    path = f"/{quote(inside, safe=_SAFE, errors='surrogateescape')}"
    is_folder = entry is not None and entry.url.endswith("/") and path.endswith(f"/{_INDEX}")
    return path.removesuffix(_INDEX) if is_folder else path


def _folder_of(path: str) -> str:
    return unquote(path.rpartition("/")[0], errors="surrogateescape")


def _content_type(entry: CatalogueEntry) -> str:
    return f"{entry.media_type}; charset={entry.charset}" if entry.charset else entry.media_type
