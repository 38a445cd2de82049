"""The interface of saved folders and archives, as the server uses it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from downloader.models.url_record import Record
from downloader.serve.catalogue import Catalogue, CatalogueEntry, PageDetails, SavedSite

#: Returns the origin of a site by its label, as the browser that asks knows it.
OriginOf = Callable[[str], str]
#: Names and values of header fields.
Fields = tuple[tuple[str, str], ...]
#: The field by which a server shares a response with other origins (Fetch, section 3.3.3).
SHARED_WITH = "Access-Control-Allow-Origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBody:
    """A saved body, to be sent.

    Attributes:
        file: its bytes, from the first on; to be closed.
        size: in bytes.
        content_type: the value of the header field.
        etag: a validator, without quotes.
        modified: when it was last modified, in seconds since the epoch; None if not known.
        status: of the response.
        fields: further header fields.
    """

    file: BinaryIO
    size: int
    content_type: str
    etag: str
    modified: float | None = None
    status: int = 200
    fields: Fields = ()


@dataclass(frozen=True, slots=True)
class SeeOther:
    """What was asked for has another address.

    Attributes:
        site: the site of that address.
        path: its path and query, percent-encoded.
    """

    site: SavedSite
    path: str


@dataclass(frozen=True, slots=True)
class NotSaved:
    """Nothing can be sent.

    Attributes:
        url: the original URL that the address stands for; empty if it stands for none.
        entry: what is known of it.
        reason: why what was saved cannot be sent; empty otherwise.
    """

    url: str
    entry: CatalogueEntry | None = None
    reason: str = ""


class SavedContent(Protocol):
    """A saved folder or archive; its methods block, and are safe for threads.

    Attributes:
        name: for people.
        catalogue: what it holds.
        warnings: what is left out, one line each.
    """

    name: str
    catalogue: Catalogue
    warnings: list[str]

    def answer(
        self, site: SavedSite, target: str, origin_of: OriginOf
    ) -> ServedBody | SeeOther | NotSaved:
        """Return what is sent for *target*, a path and perhaps a query, at the root of *site*."""

    def address_of(self, entry: CatalogueEntry) -> SeeOther | None:
        """Return where an entry is served; None if it is not."""

    def details_of(self, entry: CatalogueEntry) -> PageDetails:
        """Read the title of a page, and what else is not known of it."""

    def records(self) -> Iterator[Record]:
        """Yield the records of a report on what is saved."""

    def close(self) -> None:
        """Release what is held."""
