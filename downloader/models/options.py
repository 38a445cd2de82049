"""The options of a run, in groups: each consumer takes the narrowest group that it needs.

``Options`` inherits every group, so that users give all options to one flat constructor. A group
checks its own fields; what concerns two groups is checked by the first class that has both.
Only ``Options`` is instantiated, so only it has generated methods: they take time at each start.

    Options
    ├── TransferOptions        fetching and saving, without the list and the mirror
    │   ├── StorageOptions         OutputOptions, NamingOptions, ArchiveOptions
    │   ├── RequestOptions         NetworkOptions, PolitenessOptions
    │   └── FilterOptions
    ├── MirrorOptions
    └── ListOptions
"""

from dataclasses import dataclass, field
from pathlib import Path

from downloader.models.archive_options import ArchiveOptions
from downloader.models.mirror_options import MirrorOptions
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

#: The largest sample of a list, whose lines are held in memory.
MAX_SAMPLE_LINES = 1_000_000


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
class StorageOptions(OutputOptions, NamingOptions, ArchiveOptions):
    """The destination of bodies: a folder, an object store, or an archive."""

    def __post_init__(self) -> None:
        """Check that a pack is saved, and not asked for what only files have.

        Raises:
            ValueError: two options exclude each other.
        """
        if self.pack is not None:
            refuse_with_pack(**{"save=False": not self.save, "verify": self.verify})
            refuse_with_pack(file=self.file, stream=self.stream)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class TransferOptions(StorageOptions, RequestOptions, FilterOptions):
    """How URLs are fetched and saved, wherever they come from."""


@dataclass(frozen=True, kw_only=True)
class Options(TransferOptions, MirrorOptions, ListOptions):
    """The options of a run; every field has the command's default.

    The fields are those of :class:`OutputOptions`, :class:`NamingOptions`,
    :class:`NetworkOptions`, :class:`PolitenessOptions`, :class:`FilterOptions`,
    :class:`MirrorOptions`, :class:`ArchiveOptions` and :class:`ListOptions`.
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
