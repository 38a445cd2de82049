"""Pure: which links of a page are followed to other pages."""

from dataclasses import dataclass

from downloader import urls
from downloader.links import Link
from downloader.models import Options
from downloader.urls import Url


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules of a run.

    Attributes:
        level: so many links are followed one after the other; 0 for none.
        span_hosts: whether links to other hosts are followed.
    """

    level: int
    span_hosts: bool

    @classmethod
    def of(cls, options: Options) -> "Scope":
        """Return the rules that *options* set."""
        return cls(options.level or 0, options.span_hosts)

    def follows(self, link: Link, parent: Url, depth: int) -> bool:
        """Return whether a *link* of the page at *parent*, so many links away, is followed."""
        if link.url is None or depth >= self.level or link.nofollow:
            return False
        return self.reaches(link.url, parent)

    def reaches(self, url: Url, parent: Url) -> bool:
        """Return whether *url*, to which the page at *parent* leads, belongs to the mirror."""
        return self.span_hosts or urls.host(url) == urls.host(parent)
