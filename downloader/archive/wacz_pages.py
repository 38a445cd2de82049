"""The list of pages that a WACZ has: the HTML that was captured whole, with titles and texts."""

import html
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from downloader.archive import warc_reader
from downloader.archive.file_series import index_path
from downloader.archive.warc_reader import ResponseHead, WarcRecord
from downloader.errors import UrlError
from downloader.web.charset import decoded
from downloader.web.content_coding import decoder_for
from downloader.web.media_types import parse_media_type

_HTML = frozenset({"text/html", "application/xhtml+xml"})
#: Of a page so many bytes are looked at, and so many characters of its text are kept.
_MOST_BYTES = 1024 * 1024
_MOST_TEXT = 100_000
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|head)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[a-zA-Z/!?][^>]*>?")


def lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of ``pages.jsonl`` (WACZ 1.1.1, section 5.2)."""
    first = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": True}
    yield json.dumps(first).encode() + b"\n"
    for path in files:
        with path.open("rb") as file, index_path(path).open("rb") as captures:
            for line in captures:
                said = json.loads(line.split(b" ", 2)[2])
                whole = said["status"] == "200" and "truncated" not in said
                if whole and said["mime"] in _HTML:
                    file.seek(int(said["offset"]))
                    # The index knows which records are pages; to read the others would cost more.
                    with closing(warc_reader.records(file, str(path))) as found:
                        yield json.dumps(_page(next(found))).encode() + b"\n"


def _page(record: WarcRecord) -> dict[str, str]:
    head = record.head()
    text = _text(head, record) if head is not None else ""
    title = _TITLE.search(text)
    page = {"id": str(uuid.uuid4()), "url": record.url, "ts": record.field("WARC-Date")}
    if title is not None:
        page["title"] = _plain(title[1])
    page["text"] = _plain(_TAG.sub(" ", _UNSEEN.sub(" ", text)))[:_MOST_TEXT]
    return page


def _plain(text: str) -> str:
    return " ".join(html.unescape(text).split())


def _text(head: ResponseHead, record: WarcRecord) -> str:
    """Return the page, as far as it can be decoded; the archive has it as it is."""
    data = bytearray()
    content_type = head.field(b"content-type")
    decoder = None
    try:
        decoder = decoder_for(
            head.field(b"content-encoding").lower(), parse_media_type(content_type)
        )
        for piece in warc_reader.body(head, record.record.raw_stream):
            for part in decoder.feed(piece) if decoder else (piece,):
                data += part
            if len(data) >= _MOST_BYTES:
                break
    except UrlError:
        pass
    return decoded(bytes(data[:_MOST_BYTES]), content_type)
