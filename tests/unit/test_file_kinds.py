"""Files are told apart as people do: documents, data, archives, audio, video and more."""

import pytest

from downloader.models.url_record import Record, Result
from downloader.report.file_kinds import kind_of
from downloader.web.file_kinds import FileKind, kind_of_type
from downloader.web.media_types import media_type_table

OFFICE = "application/vnd.openxmlformats-officedocument"
TYPES = {
    FileKind.HTML: ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"),
    FileKind.CSS: ("text/css",),
    FileKind.JS: ("text/javascript", "application/x-javascript", "text/ecmascript"),
    FileKind.IMAGES: ("image/png", "image/svg+xml", "image/x-unheard"),
    FileKind.FONTS: ("font/woff2", "application/x-font-ttf", "application/vnd.ms-fontobject"),
    FileKind.AUDIO: ("audio/mpeg", "audio/ogg", "application/xspf+xml"),
    FileKind.VIDEO: ("video/mp4", "application/mp4", "application/vnd.apple.mpegurl"),
    FileKind.DOCUMENTS: (
        *("application/pdf", "application/x-pdf", "text/plain", "text/markdown", "text/x-unheard"),
        *("application/msword", f"{OFFICE}.spreadsheetml.sheet", "application/epub+zip"),
        *("application/vnd.oasis.opendocument.text", "application/rtf", "message/rfc822"),
    ),
    FileKind.DATA: (
        *("application/json", "text/csv", "application/xml", "text/xml", "application/rss+xml"),
        *("application/problem+json", "application/vnd.apache.parquet", "application/yaml"),
        *("application/x-hdf5", "text/calendar", "application/x-unheard+xml", "model/gltf-binary"),
    ),
    FileKind.ARCHIVES: (
        *("application/zip", "application/x-zip-compressed", "application/gzip", "application/rar"),
        *("application/x-tar", "application/x-7z-compressed", "application/java-archive"),
        *("application/x-iso9660-image", "application/warc", "application/x-unheard+zip"),
    ),
    FileKind.OTHER: ("application/octet-stream", "application/wasm", "application/pgp-keys", ""),
}


@pytest.mark.parametrize("kind", FileKind)
def test_types_are_of_the_kind_that_people_expect(kind: FileKind) -> None:
    assert {each: kind_of_type(each) for each in TYPES[kind]} == dict.fromkeys(TYPES[kind], kind)


def test_few_types_with_a_common_extension_are_of_no_kind() -> None:
    common = (
        "7z avi bz2 csv doc docx epub flac gif gz ico ics iso jpg js json jsonl m4a mid mkv mov "
        "mp3 mp4 odp ods odt ogg opus otf parquet pdf png ppt pptx rar rss rtf sql sqlite svg tar "
        "tex tgz tif tsv ttf txt wav webm webp wmv woff xls xlsx xml xz yaml zip zst"
    )
    types = media_type_table().types
    kinds = {name: kind_of_type(types[f".{name}"]) for name in common.split()}
    assert [name for name, kind in kinds.items() if kind is FileKind.OTHER] == []


@pytest.mark.parametrize(
    ("content_type", "path", "kind"),
    [
        ("application/octet-stream", "h/a.zip", FileKind.ARCHIVES),
        ("binary/octet-stream", "h/a", FileKind.OTHER),
        ("text/plain", "h/a.csv", FileKind.DATA),
        ("text/plain", "h/a.txt", FileKind.DOCUMENTS),
        ("text/plain", "h/a.unheard", FileKind.DOCUMENTS),
        ("text/html", "h/a.zip", FileKind.HTML),
        (None, "h/a.pdf", FileKind.DOCUMENTS),
        (None, None, FileKind.OTHER),
    ],
)
def test_a_name_says_what_a_server_does_not(
    content_type: str | None, path: str | None, kind: FileKind
) -> None:
    record = Record(
        url="http://h/", outcome=Result.DOWNLOADED, content_type=content_type, path=path
    )
    assert kind_of(record) is kind
