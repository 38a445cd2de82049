"""The page list of a WACZ: its complete HTML captures, with their titles and texts."""

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
from downloader.web.charset import decode_text
from downloader.web.content_coding import decoder_for
from downloader.web.media_types import PAGE_TYPES, parse_media_type

#: The bytes of a page that are searched for its title and text.
_MAX_PAGE_BYTES = 1024 * 1024
_MAX_TEXT_CHARACTERS = 100_000
_MAX_TITLE_CHARACTERS = 2000
_TITLE_START = re.compile(r"<title[\s>]", re.IGNORECASE)
_TITLE_END = re.compile(r"</title", re.IGNORECASE)
_INVISIBLE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|head)\b.*?(?:</\1\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[a-zA-Z/!?][^>]*>?")


def page_lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of ``pages.jsonl`` (WACZ 1.1.1, section 5.2)."""
    header = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": True}
    yield json.dumps(header).encode() + b"\n"
    for path in files:
        with path.open("rb") as file, index_path(path).open("rb") as index:
            for line in index:
                fields = json.loads(line.split(b" ", 2)[2])
                is_complete = fields["status"] == "200" and "truncated" not in fields
                if is_complete and fields["mime"] in PAGE_TYPES and "method" not in fields:
                    file.seek(int(fields["offset"]))
                    with closing(warc_reader.iter_records(file, str(path))) as records:
                        yield json.dumps(_page(next(records))).encode() + b"\n"


def _page(record: WarcRecord) -> dict[str, str]:
    head = record.read_http_head()
    text = _read_text(head, record) if head is not None else ""
    page = {"id": str(uuid.uuid4()), "url": record.url, "ts": record.field("WARC-Date")}
    if title := _title(text):
        page["title"] = title
    page["text"] = _normalized(_TAG.sub(" ", _INVISIBLE.sub(" ", text)))[:_MAX_TEXT_CHARACTERS]
    return page


def _title(text: str) -> str:
    """Return the title of a page; only its first title element is looked at."""
    start = _TITLE_START.search(text)
    content = text.find(">", start.start()) + 1 if start is not None else 0
    end = _TITLE_END.search(text, content, content + _MAX_TITLE_CHARACTERS) if content else None
    return _normalized(text[content : end.start()]) if end is not None else ""


def _normalized(text: str) -> str:
    return " ".join(html.unescape(text).split())


def _read_text(head: ResponseHead, record: WarcRecord) -> str:
    """Return the HTML of a page, as far as its content coding can be decoded."""
    data = bytearray()
    content_type = head.field(b"content-type")
    decoder = None
    try:
        media_type = parse_media_type(content_type)
        decoder = decoder_for(head.field(b"content-encoding").lower(), media_type)
        for piece in warc_reader.iter_body(head, record.raw.raw_stream):
            for part in decoder.feed(piece) if decoder else (piece,):
                data += part
            if len(data) >= _MAX_PAGE_BYTES:
                break
    except UrlError:
        pass
    return decode_text(bytes(data[:_MAX_PAGE_BYTES]), content_type)
