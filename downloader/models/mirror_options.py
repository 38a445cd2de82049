"""The options of mirrors."""

from dataclasses import dataclass

from downloader.models.option_group import OptionGroup, require_not_negative

#: Queries of one path that are followed, unless another number is given. Forums and wikis have
#: thousands; what has more is more often a combination of filters.
DEFAULT_MAX_QUERIES = 10_000

#: The number of links followed from a page of the list, unless another is given.
DEFAULT_LEVEL = 5


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class MirrorOptions(OptionGroup):
    """Which pages are mirrored, and which of their links are followed.

    Attributes:
        mirror: also save what each page needs, and make links lead to the saved files.
        level: follow this many links from a page of the list, or None to follow none; 0 for no
            limit. Implies mirror.
        span_hosts: follow links to other hosts, too.
        domains: follow links to these hosts and their subdomains, too.
        same_site: treat a host and the same one with ``www.`` before its name as one.
        no_parent: follow no link to a URL above the folder of the page that the list names.
        accept: patterns; if there are any, only referenced URLs that match one are kept.
        reject: patterns; referenced URLs that match one are not fetched.
        robots: ask robots.txt before a link is followed, and respect nofollow.
        max_urls: the largest number of URLs fetched because a page refers to them, or None.
        max_queries: the largest number of different queries of one path that are followed; None
            for no limit.
        single_file: save each page as one file with everything it needs; implies mirror.
    """

    mirror: bool = False
    level: int | None = None
    span_hosts: bool = False
    domains: tuple[str, ...] = ()
    same_site: bool = False
    no_parent: bool = False
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    robots: bool = True
    max_urls: int | None = None
    max_queries: int | None = DEFAULT_MAX_QUERIES
    single_file: bool = False

    @property
    def mirrors(self) -> bool:
        """Whether pages are mirrored."""
        return self.mirror or self.single_file or self.level is not None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: a number is out of range.
        """
        require_not_negative(level=self.level, max_urls=self.max_urls, max_queries=self.max_queries)
        super().__post_init__()
