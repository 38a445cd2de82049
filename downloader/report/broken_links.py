"""Broken links for a person: by the pages that name them, and by target."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from downloader.models import LinkMention, LinkRecord, LinkVerdict
from downloader.models.url_record import Record, Result

#: Pages shown, and links of each of them; further ones are only counted.
MAX_PAGES = 500
MAX_LINKS_OF_PAGE = 50


@dataclass(slots=True)
class PageLinks:
    """Links that one page names.

    Attributes:
        page: as :attr:`~downloader.models.LinkMention.page` names it.
        count: how many there are.
        shown: the first of them, each with the line that names it, if known.
    """

    page: str
    count: int = 0
    shown: list[tuple[int | None, LinkRecord]] = field(default_factory=list)

    def add(self, mention: LinkMention, link: LinkRecord) -> None:
        """Add one link."""
        self.count += 1
        if len(self.shown) < MAX_LINKS_OF_PAGE:
            self.shown.append((mention.line, link))


class LinksByPage:
    """Links in groups, one for each page that names them.

    Attributes:
        unlisted: how many places are on pages that are not shown.
    """

    def __init__(self, links: Iterable[LinkRecord] = ()) -> None:
        self.unlisted = 0
        self._pages: dict[str, PageLinks] = {}
        for link in links:
            self.add(link)

    def add(self, link: LinkRecord) -> None:
        """Add one link to each of its pages."""
        for mention in link.mentions:
            page = self._pages.get(mention.page)
            if page is None:
                if len(self._pages) >= MAX_PAGES:
                    self.unlisted += 1
                    continue
                page = self._pages[mention.page] = PageLinks(mention.page)
            page.add(mention, link)
        self.unlisted += link.mention_count - len(link.mentions)

    def add_record(self, record: Record) -> None:
        """Add the URL of a record, if it failed and a page links to it."""
        if record.outcome is not Result.FAILED or record.parent is None:
            return
        self.add(
            LinkRecord(
                url=record.url,
                verdict=LinkVerdict.BROKEN,
                kind=record.kind,
                message=record.message or "",
                hint=record.hint or "",
                status=record.status,
                mentions=(LinkMention(record.parent),),
                mention_count=1,
            )
        )

    @property
    def pages(self) -> Sequence[PageLinks]:
        """The pages with most links first, and the links of each by line."""
        for page in self._pages.values():
            page.shown.sort(key=lambda item: item[0] or 0)
        return sorted(self._pages.values(), key=lambda each: -each.count)
