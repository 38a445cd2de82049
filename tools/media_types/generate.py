"""Generate downloader/web/mime.types from mime-db, at the version of package-lock.json.

Usage: npm ci && python generate.py. To take a newer mime-db: npm update, then the same. A name of
a saved file decides whether it is fetched again, so read what changes before you commit it.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

_HERE = Path(__file__).parent
_SOURCE = _HERE / "node_modules" / "mime-db"
_TARGET = _HERE.parents[1] / "downloader" / "web" / "mime.types"

#: The extension of types for which mime-db lists a rarer one first, or none that is in use.
PREFERRED_EXTENSIONS = {
    "application/ecmascript": "js",
    "application/onenote": "one",
    "application/postscript": "ps",
    "application/smil+xml": "smil",
    "application/x-mobipocket-ebook": "mobi",
    "audio/aac": "aac",
    "audio/mpeg": "mp3",
    "image/pjpeg": "jpg",
    "text/troff": "roff",
    "text/vcard": "vcf",
    "text/x-markdown": "md",
    "video/mpeg": "mpg",
    "video/quicktime": "mov",
}
#: The type of extensions that several types share, where the rule of _precedence() misses it.
PREFERRED_TYPES = {
    "cur": "image/x-icon",
    "exe": "application/x-msdownload",
    "ico": "image/x-icon",
    "jfif": "image/jpeg",
    "m4v": "video/mp4",
    "mpp": "application/vnd.ms-project",
    "msi": "application/x-msi",
    "mts": "video/mp2t",
    "rtf": "application/rtf",
    "sub": "text/vnd.dvb.subtitle",
    "wav": "audio/wav",
    "xml": "application/xml",
    "xsl": "application/xslt+xml",
}
#: Types whose extension would be wrong more often than right.
_EXCLUDED_TYPES = {
    "application/dash-patch+xml",  # .mpp, which is Microsoft Project
    "application/x-compressed",  # as often ZIP, gzip or compress as RAR
    "application/x-httpd-php",  # sent for a script's result by servers that do not run it
    "application/x-ms-shortcut",  # .lnk: Windows acts on it as soon as its folder is shown
    "application/vnd.lotus-organizer",  # .org, the end of so many host names
    "application/vnd.nokia.n-gage.ac+xml",  # .ac, which is a certificate
    "model/vnd.mts",  # .mts, which is a camera's video
    "text/x-org",
}
#: Extensions of files whose bytes are not of the type: they are compressed.
_EXCLUDED_EXTENSIONS = {"emz", "svgz", "wmz", "x3dbz", "x3dvz", "x3dz"}
#: What servers send and mime-db lacks: old, informal and misspelt names of types, by extension.
ADDITIONS = {
    "7z": "application/x-7z application/7z",
    "adoc": "text/asciidoc text/x-asciidoc",
    "ai": "application/illustrator",
    "aif": "audio/aiff",
    "apk": "application/apk",
    "arrow": "application/vnd.apache.arrow.file",
    "ass": "text/x-ssa",
    "avi": "video/avi video/msvideo video/vnd.avi",
    "avif": "image/avif-sequence",
    "avro": "application/avro application/vnd.apache.avro",
    "azw3": "application/vnd.amazon.mobi8-ebook",
    "bib": "application/x-bibtex text/x-bibtex",
    "bmp": "image/x-bmp image/x-windows-bmp",
    "bz2": "application/bzip2 application/x-bz2",
    "c": "text/x-csrc",
    "cab": "application/x-cab application/x-cab-compressed",
    "cbor": "application/cbor",
    "cbr": "application/vnd.comicbook-rar application/x-cbr",
    "cbz": "application/vnd.comicbook+zip application/x-cbz",
    "cdr": "application/x-coreldraw",
    "cpp": "text/x-c++ text/x-c++src",
    "cs": "text/x-csharp",
    "csv": "application/csv application/x-csv text/comma-separated-values text/x-csv",
    "deb": "application/vnd.debian.binary-package application/x-deb",
    "diff": "text/x-diff",
    "djvu": "image/vnd.djvu+multipage image/x-djvu",
    "doc": "application/vnd.ms-word application/x-msword",
    "dwg": "application/acad image/x-dwg",
    "dxf": "application/dxf image/x-dxf",
    "eps": "application/eps application/x-eps image/x-eps",
    "exe": "application/exe application/x-exe application/vnd.microsoft.portable-executable",
    "exr": "image/x-exr",
    "fb2": "application/fb2 application/x-fictionbook+xml",
    "flac": "audio/flac",
    "flv": "video/flv",
    "gif": "image/x-gif",
    "go": "text/x-go",
    "gpg": "application/pgp",
    "gz": "application/gzip-compressed application/x-gunzip application/x-gzip",
    "h": "text/x-chdr",
    "h5": "application/x-hdf5",
    "hdr": "image/hdr image/vnd.radiance",
    "hpp": "text/x-c++hdr",
    "html": "application/html text/x-html text/xhtml",
    "icns": "image/icns image/x-icns",
    "ico": "image/ico image/icon",
    "ics": "application/ics text/x-ical",
    "indd": "application/x-indesign",
    "ipynb": "application/vnd.jupyter",
    "iso": "application/x-cd-image application/x-iso-image",
    "jar": "application/x-java-archive",
    "jp2": "image/jpeg2000 image/x-jp2",
    "jpg": "image/jpg image/x-jpeg image/x-jpg",
    "js": "application/x-ecmascript application/x-javascript text/ecmascript text/jscript"
    " text/x-ecmascript text/x-javascript",
    "json": "application/x-json text/json text/x-json",
    "jsonl": "application/jsonl application/jsonlines application/ndjson application/x-jsonl"
    " application/x-jsonlines application/x-ndjson",
    "kt": "text/x-kotlin",
    "log": "text/x-log",
    "lz": "application/lzip application/x-lzip",
    "lz4": "application/x-lz4",
    "lzma": "application/x-lzma",
    "m3u": "audio/mpegurl",
    "m3u8": "application/x-mpegurl",
    "m4a": "audio/m4a",
    "md": "text/x-web-markdown",
    "mdb": "application/msaccess application/vnd.ms-access",
    "mid": "audio/mid audio/x-mid audio/x-midi",
    "mka": "audio/matroska",
    "mkv": "video/matroska",
    "mov": "video/x-quicktime",
    "mp3": "audio/mp3 audio/mpeg3 audio/mpg audio/x-mp3 audio/x-mpeg audio/x-mpeg-3",
    "mpg": "video/mpg video/x-mpeg",
    "msgpack": "application/msgpack application/vnd.msgpack application/x-msgpack",
    "msi": "application/x-ms-installer application/x-msi",
    "npy": "application/x-npy",
    "oga": "audio/x-ogg",
    "opml": "application/opml+xml text/opml",
    "opus": "audio/opus",
    "otf": "application/vnd.ms-opentype application/x-font-opentype application/x-font-otf"
    " font/opentype",
    "parquet": "application/parquet application/vnd.apache.parquet application/x-parquet",
    "patch": "text/x-patch",
    "pb": "application/protobuf application/vnd.google.protobuf application/x-protobuf",
    "pdf": "application/x-pdf",
    "pem": "application/pem-certificate-chain application/x-pem-file",
    "pkg": "application/vnd.apple.installer-package application/x-newton-compatible-pkg",
    "pl": "text/x-perl",
    "png": "image/x-png",
    "ppt": "application/mspowerpoint application/powerpoint application/x-mspowerpoint",
    "psd": "application/photoshop application/x-photoshop image/psd image/x-photoshop",
    "py": "application/x-python text/x-python text/x-script.python",
    "rar": "application/rar application/x-rar",
    "rb": "application/x-ruby text/x-ruby",
    "rpm": "application/x-rpm",
    "rs": "text/rust text/x-rust",
    "rss": "application/x-rss+xml text/rss+xml",
    "rst": "text/prs.fallenstein.rst text/x-rst",
    "rtf": "application/x-rtf",
    "sh": "application/x-shellscript text/x-sh text/x-shellscript",
    "sqlite": "application/vnd.sqlite3 application/x-sqlite3",
    "srt": "application/srt text/srt",
    "stl": "application/sla application/x-stl",
    "svg": "image/svg image/svg-xml",
    "swift": "text/x-swift",
    "tar": "application/tar",
    "tex": "text/x-tex",
    "tga": "image/targa image/tga image/x-targa",
    "tgz": "application/x-compressed-tar application/x-tar-gz application/x-tgz",
    "tif": "image/x-tif image/x-tiff",
    "toml": "text/toml text/x-toml",
    "ts": "application/typescript application/x-typescript text/typescript text/x-typescript"
    " video/vnd.dlna.mpeg-tts",
    "tsv": "text/x-tsv",
    "ttf": "application/font-sfnt application/x-font-truetype application/x-font-ttf font/sfnt",
    "txt": "application/text application/txt text/x-plain",
    "vcf": "text/directory",
    "vsdx": "application/vnd.ms-visio.drawing",
    "wacz": "application/wacz application/x-wacz",
    "warc": "application/warc",
    "wav": "audio/vnd.wave",
    "webm": "video/x-webm",
    "webp": "image/x-webp",
    "woff": "application/font-woff application/x-font-woff font/x-woff",
    "woff2": "application/font-woff2 application/x-font-woff2 font/x-woff2",
    "xcf": "image/x-xcf",
    "xhtml": "application/vnd.wap.xhtml+xml application/xhtml",
    "xls": "application/excel application/msexcel application/x-excel application/x-msexcel",
    "yaml": "application/x-yaml application/yaml text/x-yaml",
    "z": "application/x-compress",
    "zip": "application/x-zip",
    "zst": "application/x-zstd application/zstd",
}
#: What mime-db lacks in the other direction: further extensions of a type.
_FURTHER_EXTENSIONS = {"cur": "image/x-icon", "jfif": "image/jpeg", "m4v": "video/mp4"}
#: Letters and digits, with a letter that makes it no version number; as long as filenames allows.
_SIMPLE = re.compile(r"(?=[0-9]*[a-z])[a-z0-9]{1,11}")
_SOURCES = ("iana", "apache", "nginx", None)

_HEADER = """\
# Media types and their extensions, in the format of Apache's mime.types.
# Generated by tools/media_types/generate.py from mime-db {version} (MIT, see
# mime.types.LICENSE.txt) and the additions listed there. Do not edit.
#
# The first extension of a type is given to its files. An extension's type is the first that
# lists it; the types in the second part are other names of those.
"""


def main() -> None:
    """Write the table and the licence of its source."""
    _TARGET.write_text(table((_SOURCE / "db.json").read_text(), version()))
    licence = (_SOURCE / "LICENSE").read_text()
    _TARGET.with_name("mime.types.LICENSE.txt").write_text(f"mime-db {version()}\n\n{licence}")


def version() -> str:
    """Return the version of mime-db that is installed."""
    return str(json.loads((_SOURCE / "package.json").read_text())["version"])


def table(database: str, version: str) -> str:
    """Return the text of mime.types, made from mime-db's *database*, a JSON object."""
    extensions, sources = _read(database)
    owners = _owners(extensions, sources)
    first: list[str] = []
    second: list[str] = []
    for media_type, (own, *others) in sorted(extensions.items()):
        if owners[own] == media_type:
            names = [own, *(each for each in others if owners[each] == media_type)]
            first.append(" ".join([media_type, *names]))
        else:
            second.append(f"{media_type} {own}")
    lines = [_HEADER.format(version=version), *first, "", *second, ""]
    return "\n".join(lines)


def _read(database: str) -> tuple[dict[str, list[str]], dict[str, str | None]]:
    """Return the extensions of each type, the preferred first, and the source of each type."""
    extensions: dict[str, list[str]] = {}
    sources: dict[str, str | None] = {}
    for media_type, entry in json.loads(database).items():
        if media_type not in _EXCLUDED_TYPES:
            sources[media_type] = entry.get("source")
            _add(extensions, media_type, entry.get("extensions", ()))
    for extension, media_types in ADDITIONS.items():
        for media_type in media_types.split():
            extensions.setdefault(media_type, []).insert(0, extension)
    for extension, media_type in _FURTHER_EXTENSIONS.items():
        _add(extensions, media_type, (extension,))
    for media_type, extension in PREFERRED_EXTENSIONS.items():
        listed = extensions[media_type]
        listed[:] = [extension, *(each for each in listed if each != extension)]
    return extensions, sources


def _add(extensions: dict[str, list[str]], media_type: str, names: Iterable[str]) -> None:
    usable = [
        name for name in names if _SIMPLE.fullmatch(name) and name not in _EXCLUDED_EXTENSIONS
    ]
    if usable:
        extensions.setdefault(media_type, []).extend(usable)


def _owners(extensions: dict[str, list[str]], sources: dict[str, str | None]) -> dict[str, str]:
    """Return the type that each extension stands for."""
    owners: dict[str, str] = {}

    def precedence(media_type: str, extension: str) -> tuple[bool, bool, bool, int, bool, int, str]:
        additional = extension in ADDITIONS and media_type in ADDITIONS[extension].split()
        source = sources.get(media_type)
        place = extensions[media_type].index(extension)
        return (
            PREFERRED_TYPES.get(extension) != media_type,
            media_type == "application/octet-stream",
            place > 0,
            len(_SOURCES) if additional else _SOURCES.index(source),
            media_type.startswith("application/"),
            place,
            media_type,
        )

    for media_type, names in extensions.items():
        for extension in names:
            owner = owners.setdefault(extension, media_type)
            owners[extension] = min(owner, media_type, key=lambda each: precedence(each, extension))
    return owners


if __name__ == "__main__":
    main()
