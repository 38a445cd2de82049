"""Kinds of files, such as documents and archives, by media type."""

from enum import StrEnum
from functools import lru_cache

from downloader.web.media_types import OCTET_STREAM, extension_for, guess_media_type


class FileKind(StrEnum):
    """Kinds of files, in the order in which they are shown."""

    HTML = "html"
    CSS = "css"
    JS = "js"
    IMAGES = "images"
    FONTS = "fonts"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENTS = "documents"
    DATA = "data"
    ARCHIVES = "archives"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The name for a heading."""
        is_acronym = self in (FileKind.HTML, FileKind.CSS, FileKind.JS)
        return self.upper() if is_acronym else self.capitalize()


#: Types of servers that know nothing of a file; the extension of its name says more.
_UNSPECIFIC_TYPES = frozenset(
    {
        *(OCTET_STREAM, "binary/octet-stream", "application/x-download"),
        *("application/force-download", "application/download", "text/plain"),
    }
)
#: Kinds by the beginning of a type.
_PREFIXES = {
    "image/": FileKind.IMAGES,
    "audio/": FileKind.AUDIO,
    "video/": FileKind.VIDEO,
    "font/": FileKind.FONTS,
    "application/x-font": FileKind.FONTS,
    "model/": FileKind.DATA,
    "chemical/": FileKind.DATA,
    "message/": FileKind.DOCUMENTS,
    "application/vnd.oasis.opendocument.": FileKind.DOCUMENTS,
    "application/vnd.openxmlformats-officedocument.": FileKind.DOCUMENTS,
    "application/vnd.sun.xml.": FileKind.DOCUMENTS,
    "application/vnd.stardivision.": FileKind.DOCUMENTS,
    "application/vnd.ms-excel": FileKind.DOCUMENTS,
    "application/vnd.ms-powerpoint": FileKind.DOCUMENTS,
    "application/vnd.ms-word": FileKind.DOCUMENTS,
}
#: Extensions of each kind. A type is looked up by its extension, because it may have several names.
_EXTENSIONS = {
    FileKind.HTML: ".html .xhtml",
    FileKind.CSS: ".css",
    FileKind.JS: ".js",
    FileKind.FONTS: ".woff .woff2 .ttf .otf .eot .pfa .pcf .bdf",
    FileKind.AUDIO: ".xspf .pls .oga",
    FileKind.VIDEO: ".m3u8 .mpd .mp4 .mxf .ogx .rm .rmvb .smil",
    FileKind.DOCUMENTS: (
        ".pdf .ps .eps .epub .mobi .azw .fb2 .djvu .rtf .doc .wri .xls .ppt .pub .vsd .vsdx "
        ".msg .one .pages .numbers .key .wpd .wps .abw .gnumeric .tex .latex .texinfo .dvi .xps "
        ".oxps .ipynb .mbox .cbr .cbz .chm .hlp .oda .txt"
    ),
    FileKind.DATA: (
        ".json .jsonl .json5 .jsonld .geojson .xml .xsl .dtd .rss .atom .rdf .gpx .kml .kmz "
        ".gml .csv .tsv .yaml .toml .sql .sqlite .mdb .dbf .parquet .avro .arrow .cbor .msgpack "
        ".pb .h5 .hdf .nc .npy .ttl .n3 .nt .nq .trig .ics .vcf .ged .bib .ris .mrc .opml "
        ".torrent .mvt .dcm .pcap"
    ),
    FileKind.ARCHIVES: (
        ".zip .gz .tgz .tar .7z .bz .bz2 .xz .lz .lzma .lz4 .zst .z .rar .arj .ace .lzh .cab "
        ".cpio .shar .sit .sitx .jar .apk .deb .rpm .msi .msix .appx .dmg .pkg .iso .xpi .crx "
        ".warc .wacz .ova .vmdk .vdi .vhd .gtar .ustar .hqx .sea"
    ),
}
_KINDS = {
    extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()
}
#: Kinds by structured syntax suffix (RFC 6838, section 4.2.8), for what is in no table.
_SUFFIXES = {
    **dict.fromkeys(("json", "xml", "yaml", "cbor", "json-seq"), FileKind.DATA),
    **dict.fromkeys(("zip", "gzip", "zstd"), FileKind.ARCHIVES),
}


@lru_cache(maxsize=256)
def kind_of_type(media_type: str) -> FileKind:
    """Return the kind of files of *media_type*, in lower case and without parameters.

    Example:
        >>> kind_of_type("application/pdf").label, kind_of_type("application/x-gzip").label
        ('Documents', 'Archives')
    """
    for prefix, kind in _PREFIXES.items():
        if media_type.startswith(prefix):
            return kind
    known = _KINDS.get(extension_for(media_type))
    if known is not None:
        return known
    if media_type.startswith("text/"):
        return FileKind.DOCUMENTS
    return _SUFFIXES.get(media_type.rpartition("+")[2], FileKind.OTHER)


def specific_media_type(media_type: str | None, path: str) -> str:
    """Return the type of a file: *media_type*, or what its name says if that is more specific.

    Example:
        >>> specific_media_type("application/octet-stream", "example.org/data.zip")
        'application/zip'

    Args:
        media_type: as the server named it, in lower case and without parameters; None if unknown.
        path: the name of the file; may be empty.
    """
    if media_type is not None and media_type not in _UNSPECIFIC_TYPES:
        return media_type
    guessed = guess_media_type(path)
    return guessed if guessed != OCTET_STREAM or media_type is None else media_type
