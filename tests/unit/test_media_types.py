"""One pinned table gives every file its extension, and says what an extension stands for."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.web import media_types
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.media_types import (
    OCTET_STREAM,
    extension_for,
    guess_media_type,
    media_type_table,
)

TOOL = Path(__file__).parents[2] / "tools" / "media_types"
SOURCE = TOOL / "node_modules" / "mime-db"
TABLE = media_type_table()

OFFICE = "application/vnd.openxmlformats-officedocument"
COMMON = {
    "7z": "application/x-7z-compressed",
    "apk": "application/vnd.android.package-archive",
    "avif": "image/avif",
    "avi": "video/x-msvideo",
    "bz2": "application/x-bzip2",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "eot": "application/vnd.ms-fontobject",
    "epub": "application/epub+zip",
    "exe": "application/vnd.microsoft.portable-executable",
    "flac": "audio/flac",
    "geojson": "application/geo+json",
    "glb": "model/gltf-binary",
    "gz": "application/x-gzip",
    "heic": "image/heic",
    "html": "text/xhtml",
    "ics": "text/calendar",
    "iso": "application/x-iso9660-image",
    "jar": "application/java-archive",
    "jpg": "image/jpg",
    "js": "application/x-javascript",
    "json": "application/problem+json",
    "jsonl": "application/x-ndjson",
    "jxl": "image/jxl",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mid": "audio/midi",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mp3",
    "msi": "application/x-msi",
    "odt": "application/vnd.oasis.opendocument.text",
    "opus": "audio/opus",
    "parquet": "application/vnd.apache.parquet",
    "pptx": f"{OFFICE}.presentationml.presentation",
    "ps": "application/postscript",
    "rar": "application/x-rar-compressed",
    "sqlite": "application/vnd.sqlite3",
    "svg": "image/svg",
    "tar": "application/x-tar",
    "tsv": "text/tab-separated-values",
    "txt": "text/x-of-some-kind",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "wasm": "application/wasm",
    "wav": "audio/x-wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "woff2": "font/woff2",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "xml": "application/vnd.unheard-of+xml",
    "yaml": "application/yaml",
    "zip": "application/x-zip-compressed",
    "zst": "application/zstd",
}
#: Names of files that were saved before this table was generated: a re-run must find them.
EARLIER = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/css": ".css",
    "text/javascript": ".js",
    "application/javascript": ".js",
    "application/json": ".json",
    "application/ld+json": ".jsonld",
    "application/manifest+json": ".webmanifest",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/rss+xml": ".rss",
    "application/atom+xml": ".atom",
    "text/plain": ".txt",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/svg+xml": ".svg",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/x-icon": ".ico",
    "image/vnd.microsoft.icon": ".ico",
    "font/woff": ".woff",
    "font/ttf": ".ttf",
    "font/otf": ".otf",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".oga",
    "audio/wav": ".wav",
    "video/mp4": ".mp4",
    "video/ogg": ".ogv",
    "application/pdf": ".pdf",
    "application/gzip": ".gz",
    "application/zip": ".zip",
}


@pytest.mark.parametrize(("extension", "media_type"), COMMON.items())
def test_a_common_type_is_never_saved_as_bin(extension: str, media_type: str) -> None:
    assert extension_for(media_type) == f".{extension}"


@pytest.mark.parametrize(("media_type", "extension"), EARLIER.items())
def test_types_keep_the_extensions_that_they_had(media_type: str, extension: str) -> None:
    assert extension_for(media_type) == extension


def test_bytes_of_an_unknown_type_are_saved_as_bin() -> None:
    assert {extension_for(each) for each in ("", OCTET_STREAM, "x/y", "image/unheard-of")} == {
        ".bin"
    }


def test_no_type_gets_an_extension_that_windows_acts_on_when_it_shows_the_folder() -> None:
    assert TABLE.appendable.isdisjoint({".lnk", ".url", ".scf", ".library-ms", ".part"})


def test_what_is_appended_to_a_name_tells_the_type_again() -> None:
    # Two types share it, and the other one is what players know.
    shared = {".m4v"}
    types = {each: guess_media_type(f"example.org/a{each.upper()}") for each in TABLE.appendable}
    assert {each for each, kind in types.items() if extension_for(kind) != each} == shared
    assert {each for each, kind in types.items() if kind == OCTET_STREAM} == {".bin"}


def test_a_name_without_an_extension_tells_no_type() -> None:
    for name in ("a", "example.org/a", "archive.zip/a", ".unheardof", ""):
        assert guess_media_type(name) == OCTET_STREAM


@given(
    base=st.sampled_from(["h/a", "h/a.php", "h/a.html", "h/a.docx"]),
    rule=st.sampled_from(ExtensionRule),
    media_type=st.sampled_from(sorted(TABLE.extensions)) | st.text(max_size=9),
)
@settings(max_examples=200, deadline=None)
def test_whatever_a_name_becomes_is_among_what_it_may_become(
    base: str, rule: ExtensionRule, media_type: str
) -> None:
    name = FileName(base, rule)
    assert name.path(media_type) in set(name.possible_paths())
    assert all(map(name.may_become, name.possible_paths()))


def test_the_table_is_generated_from_mime_db() -> None:
    """Runs where ``npm ci`` was run in tools/media_types."""
    if not SOURCE.exists():
        pytest.skip("mime-db is not in tools/media_types/node_modules")
    spec = importlib.util.spec_from_file_location("generate", TOOL / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    made = generate.table((SOURCE / "db.json").read_text(), generate.version())
    pinned = Path(media_types.__file__).with_name("mime.types")
    assert made == pinned.read_text("ascii")
