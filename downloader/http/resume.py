"""Pure: when a partial file may be continued, and whether an answer continues it.

Bytes of two versions must never be mixed, so a partial file is continued only with a strong
validator (RFC 9110, section 8.8.1), and only by an answer that names the very range asked for.
"""

import re

from downloader.models.partial import PartialBody
from downloader.web.text import parse_http_date

_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.IGNORECASE)
_STRONG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
#: A modification date is strong when the file was then older than this (RFC 9110, 8.8.2.2,
#: leaves the span open; RFC 7232 had 60 seconds).
_SETTLED_SECONDS = 60.0


def strong_validator(etag: str, last_modified: str, date: str) -> str:
    """Return what identifies these very bytes, or an empty string if nothing sent does."""
    if _STRONG.fullmatch(etag):
        return etag
    if etag:
        # A weak tag says that the bytes may differ while the date stays.
        return ""
    sent, modified = parse_http_date(date), parse_http_date(last_modified)
    if sent is None or modified is None:
        return ""
    return last_modified if (sent - modified).total_seconds() >= _SETTLED_SECONDS else ""


def continued_total(
    partial: PartialBody, offset: int, content_range: str, etag: str, last_modified: str
) -> int | None:
    """Return the length of the whole body, if a 206 answer continues *partial* to its end.

    None means that it does not go on at *offset*, belongs to another version, or leaves out a
    part, and that its bytes must not be appended. Some servers pay no heed to ``If-Range``, so
    the answer must name the version itself: a 206 has the ETag that a 200 would have (RFC 9110,
    section 15.3.7), while it may leave out the date.
    """
    match = _CONTENT_RANGE.fullmatch(content_range.strip())
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    if match[3] == "*":
        return None
    total = int(match[3])
    if not first == offset <= last == total - 1 or partial.total not in (None, total):
        return None
    version = etag if partial.validator.startswith('"') else last_modified or partial.validator
    return total if version == partial.validator else None
