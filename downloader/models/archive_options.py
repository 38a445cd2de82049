"""The options of web archives."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from downloader.models.option_group import OptionGroup, refuse_with_pack, require_not_negative

#: The size of a volume of a pack, unless another is given.
DEFAULT_PACK_BYTES = 1024**3


class Pack(StrEnum):
    """Container formats that bodies can be saved in, instead of one file each."""

    WARC = "warc"


class WarcDigest(StrEnum):
    """Hash algorithms for the digests in an archive."""

    SHA1 = "sha1"
    SHA256 = "sha256"


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
