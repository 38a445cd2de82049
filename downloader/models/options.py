"""The options of a run, in groups: each consumer takes the narrowest group that it needs.

``Options`` inherits every group, so that users give all options to one flat constructor. A group
checks its own fields; what concerns two groups is checked by the first class that has both.
Only ``Options`` is instantiated, so only it has generated methods: they take time at each start.

    Options
    ├── TransferOptions        fetching and saving, without the list and the mirror
    │   ├── StorageOptions         OutputOptions, NamingOptions, ArchiveOptions, ExtractionOptions
    │   ├── RequestOptions         NetworkOptions, PolitenessOptions
    │   └── FilterOptions
    ├── MirrorOptions
    └── ListOptions
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from downloader.models.extraction import ExtractionOptions
from downloader.models.naming_options import NamingOptions
from downloader.models.option_group import (
    OptionGroup,
    refuse_with_pack,
    require_at_least_one,
    require_not_negative,
    require_url,
)
from downloader.models.request_options import RequestOptions
from downloader.models.shards import Shard
from downloader.web.media_type_filter import MediaTypeFilter

#: Queries of one path that are followed, unless another number is given. Forums and wikis have
#: thousands; what has more is more often a combination of filters.
DEFAULT_MAX_QUERIES = 10_000

#: The number of links followed from a page of the list, unless another is given.
DEFAULT_LEVEL = 5

#: A check of links warns of certificates that expire within so many days, unless another number is
#: given.
DEFAULT_CERT_DAYS = 14

#: The size of a volume of a pack, unless another is given.
DEFAULT_PACK_BYTES = 1024**3

#: The largest sample of a list, whose lines are held in memory.
MAX_SAMPLE_LINES = 1_000_000


class Pack(StrEnum):
    """Container formats that bodies can be saved in, instead of one file each."""

    WARC = "warc"


class WarcDigest(StrEnum):
    """Hash algorithms for the digests in an archive."""

    SHA1 = "sha1"
    SHA256 = "sha256"


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class OutputOptions(OptionGroup):
    """The output folder, and the treatment of files that an earlier run saved.

    Attributes:
        output: the folder that files are saved under; created when missing. With *remote* it holds
            only the journal and unfinished files.
        remote: the URL of an object store's prefix that whole files go to instead, or None.
        save: False to measure only, and leave no file and no folder behind.
        force: fetch again what an earlier run has saved.
        refresh: ask the server whether saved files have changed (RFC 9110, section 13).
        verify: hash saved files again, instead of comparing sizes alone.
        server_timestamps: give files the time of ``Last-Modified``.
        file: the name that the only URL is saved under in *output*, as it is; an older file is
            replaced, and there is no journal.
        stream: a pipe or device that the body of the only URL is written to, once it is whole;
            ``-`` for standard output. Nothing is saved then.
    """

    output: Path = Path("downloaded_sites")
    remote: str | None = None
    save: bool = True
    force: bool = False
    refresh: bool = False
    verify: bool = False
    server_timestamps: bool = True
    file: str | None = None
    stream: Path | None = None

    @property
    def only_name(self) -> str | None:
        """The name of the only URL's file or stream; None if names are decided for each URL."""
        return self.file if self.stream is None else self.stream.name

    @property
    def journal_folder(self) -> Path | None:
        """The folder with the journal; None if nothing is to outlive the run but one body."""
        return self.output if self.save and self.only_name is None else None

    @property
    def folder(self) -> Path | None:
        """The folder that files are saved under; None if they go to an object store."""
        return self.output if self.remote is None else None


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
        index: write a page into the folder that lists the saved pages.
        missing_page: make links to pages that do not exist (404, 410) lead to a local page.
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
    index: bool = False
    missing_page: bool = False

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


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class FilterOptions(OptionGroup):
    """Which responses are saved; the others are skipped.

    Attributes:
        accept_type: patterns of media types, such as ``image/*``; if there are any, only bodies of
            a type that matches one are saved.
        reject_type: patterns; bodies whose type matches one are not saved.
        min_size: bytes, decoded, below which a body is not saved, or None.
        newer_than: seconds since the epoch; what was not modified since then is not saved. None for
            any time.
    """

    accept_type: tuple[str, ...] = ()
    reject_type: tuple[str, ...] = ()
    min_size: int | None = None
    newer_than: float | None = None

    @property
    def filters(self) -> bool:
        """Whether any response may be skipped."""
        return bool(
            self.accept_type or self.reject_type or self.min_size or self.newer_than is not None
        )

    def __post_init__(self) -> None:
        """Check ranges and patterns.

        Raises:
            ValueError: a number is negative, or a pattern is not one of media types.
        """
        require_not_negative(min_size=self.min_size)
        MediaTypeFilter(self.accept_type, self.reject_type)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class ArchiveOptions(OptionGroup):
    """Which web archives are written, and which are read.

    Attributes:
        warc: also record every exchange in a WARC file of this name; its extension (``.warc.gz``
            or ``.warc``) says whether it is compressed.
        warc_max_size: bytes after which a new file is started; None for no limit, but with pack
            for :data:`DEFAULT_PACK_BYTES`.
        warc_digest: the hash algorithm of the digests in the archive.
        wacz: pack the archive of this run as a WACZ file of this name.
        pack: save bodies in volumes of this format in the folder, instead of one file each.
        replay: archives that responses are read from; empty for the network.
    """

    warc: Path | None = None
    warc_max_size: int | None = None
    warc_digest: WarcDigest = WarcDigest.SHA1
    wacz: Path | None = None
    pack: Pack | None = None
    replay: tuple[Path, ...] = ()

    @property
    def archiving(self) -> bool:
        """Whether an archive of the run is written."""
        return self.warc is not None or self.wacz is not None or self.pack is not None

    @property
    def archive_size(self) -> int | None:
        """Bytes after which a new file of the archive is started; None for no limit."""
        return (
            DEFAULT_PACK_BYTES if self.pack and self.warc_max_size is None else self.warc_max_size
        )

    def __post_init__(self) -> None:
        """Check ranges, file names, and that a pack is the only archive.

        Raises:
            ValueError: a value is not allowed.
        """
        require_not_negative(warc_max_size=self.warc_max_size)
        if self.pack is not None:
            refuse_with_pack(warc=self.warc, wacz=self.wacz, replay=self.replay)
        if self.warc is not None and not self.warc.name.endswith((".warc", ".warc.gz")):
            raise ValueError("warc must end with .warc.gz, or with .warc for no compression")
        if self.wacz is not None and not self.wacz.name.endswith(".wacz"):
            raise ValueError("wacz must end with .wacz")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class ListOptions(OptionGroup):
    """How lists are read, and which of their lines are fetched.

    Attributes:
        url_column: the name, or the number from 1, of the column of addresses in tables and JSON;
            None to find it.
        sitemap: sites, and addresses of sitemaps and feeds, whose pages are read after all lists.
        base: the URL that relative links of lists in HTML and XML refer to, or None.
        keep_input: outcomes keep their lines as written, and the columns of these.
        keep_columns: the names of the columns that they keep; None for all.
        limit: read only so many lines, or None.
        sample: fetch only so many of the lines read, chosen at random, or None.
        seed: another one chooses another sample.
        shard: fetch only the lines whose hosts belong to this one of several runs, or None.
        checksums: a file such as SHA256SUMS, which whole bodies have to match, or None.
    """

    url_column: str | None = None
    sitemap: tuple[str, ...] = field(default=(), repr=False)
    base: str | None = field(default=None, repr=False)
    keep_input: bool = False
    keep_columns: tuple[str, ...] | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    shard: Shard | None = None
    checksums: Path | None = None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: a number is out of range.
        """
        require_at_least_one(limit=self.limit, sample=self.sample)
        if self.sample is not None and self.sample > MAX_SAMPLE_LINES:
            raise ValueError(f"sample must be at most {MAX_SAMPLE_LINES}")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class StorageOptions(OutputOptions, NamingOptions, ArchiveOptions, ExtractionOptions):
    """The destination of bodies: a folder, an object store, or an archive."""

    def __post_init__(self) -> None:
        """Check that a pack is saved, and that neither it nor a stream is to have what files have.

        Raises:
            ValueError: two options exclude each other.
        """
        if self.pack is not None:
            refuse_with_pack(**{"save=False": not self.save, "verify": self.verify})
            refuse_with_pack(file=self.file, stream=self.stream)
        if self.extract and self.stream is not None:
            raise ValueError("extract cannot be combined with stream: texts are files of their own")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class TransferOptions(StorageOptions, RequestOptions, FilterOptions):
    """How URLs are fetched and saved, wherever they come from."""

    @property
    def process_count(self) -> int:
        """Number of processes at the start; one for a single file or stream, which this one has."""
        return super().process_count if self.only_name is None else 1


@dataclass(frozen=True, kw_only=True)
class Options(TransferOptions, MirrorOptions, ListOptions):
    """The options of a run; every field has the command's default.

    The fields are those of :class:`OutputOptions`, :class:`NamingOptions`,
    :class:`NetworkOptions`, :class:`PolitenessOptions`, :class:`FilterOptions`,
    :class:`MirrorOptions`, :class:`ArchiveOptions`, :class:`ExtractionOptions` and
    :class:`ListOptions`.
    """

    def __post_init__(self) -> None:
        """Check that pages are mirrored to files in a folder, which are changed after saving.

        Raises:
            ValueError: two options exclude each other, or a value is not allowed.
        """
        for address in (*self.sitemap, *([self.base] if self.base else ())):
            require_url(**{"sitemap and base": address})
        if self.mirrors:
            if self.only_name is not None:
                raise ValueError("a mirror needs a folder, not a file or a stream")
            if self.name_template is not None:
                raise ValueError("a mirror cannot be combined with name_template")
            if not self.save:
                raise ValueError("a mirror cannot be combined with save=False")
            if self.pack is not None:
                refuse_with_pack(**{"a mirror": True})
            if self.remote is not None:
                raise ValueError(
                    "a mirror needs a folder, because its files are changed after they are saved"
                )
        super().__post_init__()
