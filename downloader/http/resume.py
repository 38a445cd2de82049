"""Resumes a body with Range: the request's header fields, and whether the response continues it.

Bytes of two versions must never be mixed. So a partial file is resumed only with a strong
validator (RFC 9110, section 8.8.1), and only by a response with exactly the range requested.
"""

import re

from downloader.http.response import Response
from downloader.models.partial_body import PartialBody
from downloader.web.content_coding import split_codings
from downloader.web.text import parse_http_date

_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.IGNORECASE)
_STRONG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
#: A modification date is a strong validator if the response is later by at least this time (RFC
#: 9110, section 8.8.2.2, leaves the span open; RFC 7232 had 60 seconds).
_MIN_AGE_SECONDS = 60.0


def strong_validator(etag: str, last_modified: str, date: str) -> str:
    """Return the strong validator of a response, or an empty string if it has none."""
    if _STRONG.fullmatch(etag):
        return etag
    if etag:
        # A weak tag says that the bytes may change while the date stays the same.
        return ""
    sent, modified = parse_http_date(date), parse_http_date(last_modified)
    if sent is None or modified is None:
        return ""
    return last_modified if (sent - modified).total_seconds() >= _MIN_AGE_SECONDS else ""


def range_headers(partial: PartialBody, offset: int) -> tuple[tuple[str, str], ...]:
    """Return the fields that request the rest of a body (RFC 9110, sections 13.1.5 and 14.2).

    Content codings are refused, because a range of coded bytes cannot continue a decoded file.
    """
    return (
        ("Range", f"bytes={offset}-"),
        ("If-Range", partial.validator),
        ("Accept-Encoding", "identity"),
    )


def continued_length(response: Response, partial: PartialBody, offset: int) -> int | None:
    """Return the length of the whole body, if *response* continues *partial* from *offset* on."""
    if response.status != 206 or response.url != partial.url:
        return None
    codings, _ = split_codings(response.content_coding)
    if codings:
        return None
    return continued_total(
        partial,
        offset,
        response.header("Content-Range"),
        response.header("ETag"),
        response.header("Last-Modified"),
    )


def continued_total(
    partial: PartialBody, offset: int, content_range: str, etag: str, last_modified: str
) -> int | None:
    """Return the length of the whole body, if a 206 response continues *partial* to its end.

    None means that its bytes must not be appended: it does not start at *offset*, does not reach
    the end, or belongs to another version. Some servers ignore ``If-Range``, so the response itself
    must name the version: a 206 has the ETag that a 200 would have (RFC 9110, section 15.3.7), but
    may leave out the date.
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
