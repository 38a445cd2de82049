"""A web archive, served as if its sites still were where they came from.

A URL is answered with its response in the archive, from the root of its site. Links to what the
archive holds are rewritten to where that is served, as for a mirror; other links stay.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from downloader import archive
from downloader.errors import BadUrlError, SourceError, TooLargeError, UrlError
from downloader.links import Document
from downloader.links.page_text import page_title
from downloader.models.exchange import ArchivedResponse
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
from downloader.serve.saved_content import (
    SHARED_WITH,
    Fields,
    NotSaved,
    OriginOf,
    SeeOther,
    ServedBody,
)
from downloader.web import urls
from downloader.web.charset import decode_text
from downloader.web.content_coding import decoder_for
from downloader.web.media_types import (
    OCTET_STREAM,
    PAGE_TYPES,
    guess_media_type,
    parse_media_type,
)
from downloader.web.mime_sniffing import RESOURCE_HEADER_BYTES, UNKNOWN_TYPES, sniffed_type
from downloader.web.text import format_size, http_timestamp
from downloader.web.urls import Url

#: A body, decoded, may have this many bytes, and this many are kept in memory.
MAX_BODY_BYTES = 2 * 1024**3
_MEMORY_BYTES = 8 * 1024**2
#: The beginning of a body in which a title is looked for.
_TITLE_BYTES = 64 * 1024
#: Larger bodies are not read to their end to tell their size.
_MAX_COUNTED_BYTES = 16 * 1024**2
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_ERROR = 400
#: Fields of the response that are sent on.
_KEPT_FIELDS = (
    *("Content-Language", "Content-Disposition", "X-Content-Type-Options"),
    SHARED_WITH,
)


class SavedArchive:
    """A web archive, and the catalogue of what it holds; implements ``SavedContent``.

    Raises, on creation:
        SourceError: it cannot be read, or holds no URL.
    """

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.name = str(paths[0]) if len(paths) == 1 else f"{paths[0]} … {paths[-1]}"
        self._index = archive.open_index(paths)
        self.warnings = [*self._index.warnings, *self._index.damage]
        self.catalogue = Catalogue()
        self.catalogue.fill(map(_entry, self._index.captures()))
        if not self.catalogue.entries():
            self.catalogue.close()
            reason = f": {self._index.damage[0]}" if self._index.damage else ""
            raise SourceError(f"{self.name} holds no URL{reason}")
        stamps = " ".join(str(path.stat().st_mtime_ns) for path in paths)
        self._stamp = hashlib.sha256(f"{self.name} {stamps}".encode()).hexdigest()[:12]

    def answer(
        self, site: SavedSite, target: str, origin_of: OriginOf
    ) -> ServedBody | SeeOther | NotSaved:
        """Return the archived response to *target*, a path and perhaps a query, of *site*."""
        entry = self._entry_of(site, target)
        if entry is None:
            return NotSaved(f"{site.scheme}://{site.host}{target}")
        url = Url(entry.url)
        response = self._index.find(url)
        if response is None:
            return NotSaved(url, entry, "its record cannot be read")
        with closing(response):
            if response.status in _REDIRECTS:
                return self._redirected(url, entry, response)
            try:
                return self._body(url, response, origin_of)
            except UrlError as error:
                return NotSaved(url, entry, error.message)

    def address_of(self, entry: CatalogueEntry) -> SeeOther | None:
        """Return where an entry is served; None if it is not."""
        site = self.catalogue.site(id=entry.site)
        if site is None or entry.state not in (EntryState.SAVED, EntryState.REDIRECTED):
            return None
        _, path, query = urls.split(Url(entry.url))
        return SeeOther(site, f"{path}?{query}" if query else path)

    def details_of(self, entry: CatalogueEntry) -> PageDetails:
        """Read the media type of a response, and the title of a page."""
        title, media_type, size = "", "", None
        response = self._index.find(Url(entry.url))
        if response is not None:
            with closing(response):
                content_type = _field(response, b"content-type")
                head = bytearray()
                counted = 0
                for piece in _decoded(response):
                    head += piece[: max(0, _TITLE_BYTES - counted)]
                    counted += len(piece)
                    if counted > _MAX_COUNTED_BYTES:
                        break
                else:
                    size = counted
                media_type = _media_type(response, bytes(head[:RESOURCE_HEADER_BYTES]))
                if media_type in PAGE_TYPES:
                    title = page_title(decode_text(bytes(head), content_type, media_type))
        return PageDetails(entry.id, title, media_type, size, media_type in PAGE_TYPES)

    def records(self) -> Iterator[Record]:
        """Yield the records of a report on what is saved."""
        return entry_records(self.catalogue)

    def close(self) -> None:
        """Release what is held."""
        self.catalogue.close()

    def _address(self, origin_of: OriginOf, entry: CatalogueEntry) -> str:
        address = self.address_of(entry)
        return "" if address is None else f"{origin_of(address.site.label)}{address.path}"

    def _entry_of(self, site: SavedSite, target: str) -> CatalogueEntry | None:
        """Return the entry of *target*, or of its path, as a script may add a query to it."""
        for wanted in dict.fromkeys((target, target.partition("?")[0])):
            schemes = dict.fromkeys((site.scheme, "https", "http"))
            try:
                known = [urls.parse(f"{scheme}://{site.host}{wanted}") for scheme in schemes]
            except BadUrlError:
                return None
            if (entry := self.catalogue.by_url(known)) is not None:
                return entry
        return None

    def _redirected(
        self, url: Url, entry: CatalogueEntry, response: ArchivedResponse
    ) -> SeeOther | NotSaved:
        location = _field(response, b"location")
        try:
            to = urls.join(url, location)
        except BadUrlError:
            return NotSaved(url, entry, f"it redirects to {location!r}, which is no web address")
        found = self.catalogue.by_url([to])
        address = None if found is None else self.address_of(found)
        return address or NotSaved(url, entry, f"it redirects to {to}, which is not in the archive")

    def _body(self, url: Url, response: ArchivedResponse, origin_of: OriginOf) -> ServedBody:
        """Return the decoded body, with its links rewritten.

        Raises:
            UrlError: the record is damaged or cut, or too large.
        """
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115
        try:
            size = 0
            for piece in _decoded(response):
                size += file.write(piece)
                if size > MAX_BODY_BYTES:
                    raise TooLargeError(f"it is larger than {format_size(MAX_BODY_BYTES)}")
            file.seek(0)
            media_type = _media_type(response, file.read(RESOURCE_HEADER_BYTES))
            if has_links(media_type, size):
                file.seek(0)
                charset = _charset(_field(response, b"content-type"))
                document = Document(file.read(), media_type, url, charset)
                address_of = partial(self._address, origin_of)
                body = with_local_links(document, self.catalogue, address_of)
                file.seek(0)
                file.truncate()
                size = file.write(body)
        except BaseException:
            file.close()
            raise
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]
        return ServedBody(
            file=file,
            size=size,
            content_type=_field(response, b"content-type") or media_type,
            etag=f"{self._stamp}-{digest}-{size:x}",
            modified=http_timestamp(_field(response, b"last-modified")),
            status=response.status,
            fields=_kept_fields(response),
        )


def _entry(capture: tuple[Url, str, int]) -> CatalogueEntry:
    url, date, status = capture
    state, message, title = EntryState.SAVED, "", None
    if status in _REDIRECTS:
        state, title = EntryState.REDIRECTED, ""
    elif status >= _FIRST_ERROR:
        state, message, title = EntryState.FAILED, f"HTTP status {status} (http-status)", ""
    guessed = guess_media_type(urls.split(url)[1])
    is_page = state is EntryState.SAVED and guessed in PAGE_TYPES | {OCTET_STREAM}
    return CatalogueEntry(
        url=url,
        state=state,
        saved_at=_seconds(date),
        message=message,
        title=title,
        is_page=is_page,
    )


def _seconds(date: str) -> float | None:
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _decoded(response: ArchivedResponse) -> Iterator[bytes]:
    """Yield the body without its content coding.

    Raises:
        UrlError: it is damaged or cut.
    """
    media_type = parse_media_type(_field(response, b"content-type"))
    decoder = decoder_for(_field(response, b"content-encoding").lower(), media_type)
    for piece in response.body:
        yield from decoder.feed(piece) if decoder is not None else (piece,)
    if decoder is not None:
        decoder.finish()


def _media_type(response: ArchivedResponse, head: bytes) -> str:
    supplied = parse_media_type(_field(response, b"content-type"))
    if supplied not in UNKNOWN_TYPES:
        return supplied
    options = _field(response, b"x-content-type-options").strip().lower()
    return sniffed_type(head, supplied, no_sniff=options == "nosniff")


def _kept_fields(response: ArchivedResponse) -> Fields:
    kept = ((name, _field(response, name.lower().encode())) for name in _KEPT_FIELDS)
    return tuple((name, value) for name, value in kept if value)


def _field(response: ArchivedResponse, name: bytes) -> str:
    values = [value for each, value in response.fields if each.lower() == name]
    return values[-1].decode("latin-1") if values else ""


def _charset(content_type: str) -> str | None:
    _, _, label = content_type.lower().partition("charset=")
    return label.partition(";")[0].strip(" \"'") or None
