"""The pages of the server's own host: what is saved, with a search, and why something is not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from urllib.parse import urlencode

from jinja2 import Environment

from downloader._version import __version__
from downloader.report.formats.page_templates import Asset, asset, page_environment
from downloader.serve.catalogue import ROWS_PER_PAGE, CatalogueEntry, Listing, SiteTotals
from downloader.serve.saved_content import NotSaved, OriginOf, SavedContent

#: Characters of a search, and rows before a page of results, that are taken from an address.
_MAX_QUERY_CHARACTERS, _MAX_START = 500, 10**9


@dataclass(frozen=True, slots=True)
class HomeQuery:
    """What the address of the home page asks for.

    Attributes:
        words: to search for.
        listing: which URLs are listed.
        label: of the site whose URLs are listed; empty for all.
        start: rows before the first one that is shown.
    """

    words: str = ""
    listing: Listing = Listing.PAGES
    label: str = ""
    start: int = 0

    @classmethod
    def of(cls, fields: dict[str, str]) -> "HomeQuery":
        """Return the query of an address; what is not valid counts as absent."""
        start, show = fields.get("start", ""), fields.get("show", "")
        return cls(
            fields.get("q", "")[:_MAX_QUERY_CHARACTERS].strip(),
            Listing(show) if show in set(Listing) else Listing.PAGES,
            fields.get("site", "")[:_MAX_QUERY_CHARACTERS],
            min(int(start), _MAX_START) if start.isascii() and start.isdigit() else 0,
        )

    def link(self, **changed: str | int) -> str:
        """Return the address of this query with some of its fields changed."""
        fields = {"q": self.words, "show": str(self.listing), "site": self.label} | changed
        wanted = {name: value for name, value in fields.items() if value and value != Listing.PAGES}
        return f"/?{urlencode(wanted)}" if wanted else "/"


@dataclass(frozen=True, slots=True)
class _Row:
    entry: CatalogueEntry
    link: str


@dataclass(frozen=True, slots=True)
class _SiteRow:
    totals: SiteTotals
    link: str


def render_home(content: SavedContent, query: HomeQuery, origin_of: OriginOf) -> str:
    """Return the home page; it blocks."""
    catalogue = content.catalogue
    site = catalogue.site(label=query.label) if query.label else None
    sites, pages, files, failed = catalogue.totals()
    count, found = catalogue.search(
        query.listing, query.words, site.id if site else None, query.start
    )
    rows = [_Row(entry, _link(content, entry, origin_of)) for entry in found]
    is_start = not (query.words or query.label or query.start or query.listing != Listing.PAGES)
    largest = catalogue.largest_sites() if is_start else []
    return (
        _environment()
        .get_template("home.html.j2")
        .render(
            name=content.name,
            warnings=content.warnings,
            version=__version__,
            query=query,
            site=site,
            Listing=Listing,
            sites=[
                _SiteRow(each, _start_link(content, each, origin_of))
                for each in largest
                if sites > 1
            ],
            only_host=largest[0].site.host if len(largest) == 1 else "",
            site_count=sites,
            pages=pages,
            files=files,
            failed=failed,
            count=count,
            rows=rows,
            untitled=catalogue.count_untitled(),
            previous=max(0, query.start - ROWS_PER_PAGE),
            next=query.start + ROWS_PER_PAGE,
            style=_style().text,
        )
    )


def render_not_saved(found: NotSaved, home: str) -> str:
    """Return the page that says why an address cannot be shown."""
    return (
        _environment()
        .get_template("not_saved.html.j2")
        .render(found=found, home=home, version=__version__, style=_style().text)
    )


def page_policy() -> str:
    """Return the content security policy of this server's own pages."""
    return (
        f"default-src 'none'; style-src '{_style().hash}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _link(content: SavedContent, entry: CatalogueEntry, origin_of: OriginOf) -> str:
    address = content.address_of(entry)
    return "" if address is None else origin_of(address.site.label) + address.path


def _start_link(content: SavedContent, totals: SiteTotals, origin_of: OriginOf) -> str:
    """Return the address of the page of a site that was asked for first, or an empty text."""
    entry = content.catalogue.start_page(totals.site)
    return "" if entry is None else _link(content, entry, origin_of)


@cache
def _style() -> Asset:
    return asset(("downloader.report.formats", "report.css"), ("downloader.serve", "home.css"))


@cache
def _environment() -> Environment:
    environment = page_environment("downloader.serve")
    environment.filters["date"] = _date
    return environment


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        # A journal or archive may hold any number.
        return ""
