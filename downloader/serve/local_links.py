"""Make the links of saved documents lead to where their targets are served."""

from collections.abc import Callable

from downloader.links import Document, Link, LocalFile, can_contain_links, rewrite_links
from downloader.serve.catalogue import Catalogue, CatalogueEntry
from downloader.web.urls import Url

#: Larger documents are sent with the links that they have.
MAX_DOCUMENT_BYTES = 50 * 1024**2


def has_links(media_type: str, size: int) -> bool:
    """Return whether a body is a document whose links are rewritten."""
    return can_contain_links(media_type) and size <= MAX_DOCUMENT_BYTES


def with_local_links(
    document: Document, catalogue: Catalogue, address_of: Callable[[CatalogueEntry], str]
) -> bytes:
    """Return a document whose links to what is in *catalogue* lead there; others stay.

    *address_of* returns the address of an entry, or an empty text if it is not served.
    """

    def replacement(link: Link) -> LocalFile | None:
        if link.url is None:
            return None
        entry = catalogue.by_url([link.url, _with_other_scheme(link.url)])
        address = "" if entry is None else address_of(entry)
        return LocalFile(f"{address}{link.fragment}") if address else None

    return rewrite_links(document, replacement).body


def _with_other_scheme(url: Url) -> str:
    scheme, _, rest = url.partition(":")
    return f"{'http' if scheme == 'https' else 'https'}:{rest}"
