"""The page list of a WACZ: its complete HTML captures, with their titles and texts."""

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from downloader.archive import warc_reader
from downloader.archive.file_series import index_path
from downloader.archive.http_responses import ResponseHead, iter_body
from downloader.archive.warc_reader import WarcRecord
from downloader.errors import UrlError
from downloader.links.page_text import page_text
from downloader.web.charset import decode_text
from downloader.web.content_coding import decoder_for
from downloader.web.media_types import PAGE_TYPES, parse_media_type
from downloader.web.mime_sniffing import UNKNOWN_TYPES, sniffed_type

#: The bytes of a page that are searched for its title and text.
_MAX_PAGE_BYTES = 1024 * 1024
_MAX_TEXT_CHARACTERS = 100_000
_MAX_TITLE_CHARACTERS = 2000
#: Types in an index of captures that may be pages; one that no field names is "unk".
_POSSIBLE_PAGE_TYPES = PAGE_TYPES | UNKNOWN_TYPES | {"unk"}


def page_lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of ``pages.jsonl`` (WACZ 1.1.1, section 5.2)."""
    header = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": True}
    yield json.dumps(header).encode() + b"\n"
    for path in files:
        with path.open("rb") as file, index_path(path).open("rb") as index:
            for line in index:
                fields = json.loads(line.split(b" ", 2)[2])
                is_complete = fields["status"] == "200" and "truncated" not in fields
                is_possible = fields["mime"] in _POSSIBLE_PAGE_TYPES and "method" not in fields
                if not is_complete or not is_possible:
                    continue
                file.seek(int(fields["offset"]))
                with closing(warc_reader.iter_records(file, str(path))) as records:
                    page = _page(next(records))
                if page is not None:
                    yield json.dumps(page).encode() + b"\n"


def _page(record: WarcRecord) -> dict[str, str] | None:
    """Return the line of a page; None if a body of unknown type is none."""
    head = record.read_http_head()
    if head is None:
        return None
    content_type = head.field(b"content-type")
    supplied_type = media_type = parse_media_type(content_type)
    body = _read_body(head, record, supplied_type)
    if supplied_type in UNKNOWN_TYPES:
        options = head.field(b"x-content-type-options").strip().lower()
        media_type = sniffed_type(body, supplied_type, no_sniff=options == "nosniff")
    if media_type not in PAGE_TYPES:
        return None
    found = page_text(decode_text(body, content_type, media_type))
    page = {"id": str(uuid.uuid4()), "url": record.url, "ts": record.field("WARC-Date")}
    if found.title:
        page["title"] = found.title[:_MAX_TITLE_CHARACTERS]
    page["text"] = found.text[:_MAX_TEXT_CHARACTERS]
    return page


def _read_body(head: ResponseHead, record: WarcRecord, media_type: str) -> bytes:
    """Return the body of a page, as far as its content coding can be decoded."""
    data = bytearray()
    decoder = None
    try:
        decoder = decoder_for(head.field(b"content-encoding").lower(), media_type)
        for piece in iter_body(head, record.raw.raw_stream):
            for part in decoder.feed(piece) if decoder else (piece,):
                data += part
            if len(data) >= _MAX_PAGE_BYTES:
                break
    except UrlError:
        pass
    return bytes(data[:_MAX_PAGE_BYTES])
