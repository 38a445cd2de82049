"""Send a saved body: whole or in ranges, or say that the browser has it already (RFC 9110)."""

import asyncio
import re
from datetime import UTC, datetime
from email.utils import formatdate

from aiohttp import web
from aiohttp.typedefs import LooseHeaders

from downloader.serve.saved_content import ServedBody

#: What would end a header field, or is not allowed in one; journals and archives may have anything.
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_CHUNK_BYTES = 256 * 1024
#: Bodies of at most this size are read at once.
_SMALL_BYTES = 64 * 1024


async def send(request: web.Request, body: ServedBody, fields: LooseHeaders) -> web.StreamResponse:
    """Send *body*, which is closed then, as the answer to a GET or HEAD request."""
    try:
        return await _send(request, body, fields)
    finally:
        body.file.close()


async def _send(request: web.Request, body: ServedBody, fields: LooseHeaders) -> web.StreamResponse:
    response = web.StreamResponse(status=body.status, headers=fields)
    response.headers.update({name: _CONTROLS.sub("", value) for name, value in body.fields})
    response.headers["Content-Type"] = _CONTROLS.sub("", body.content_type)
    response.headers["ETag"] = f'"{body.etag}"'
    # A later run, or another folder on the same port, may have another file there.
    response.headers.setdefault("Cache-Control", "no-cache")
    if body.modified is not None:
        response.headers["Last-Modified"] = formatdate(body.modified, usegmt=True)
    start, length = 0, body.size
    if body.status == web.HTTPOk.status_code:
        if _is_known(request, body):
            response.set_status(web.HTTPNotModified.status_code)
            await response.prepare(request)
            return response
        response.headers["Accept-Ranges"] = "bytes"
        wanted = _range(request, body)
        if wanted is not None:
            start, length = wanted
            end = f"{start}-{start + length - 1}" if length else "*"
            response.headers["Content-Range"] = f"bytes {end}/{body.size}"
            response.set_status(206 if length else 416)
    response.content_length = length
    await response.prepare(request)
    if request.method != "HEAD":
        await _write(response, body, start, length)
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, body: ServedBody, start: int, left: int) -> None:
    body.file.seek(start)
    while left > 0:
        if left <= _SMALL_BYTES:
            data = body.file.read(left)
        else:
            data = await asyncio.to_thread(body.file.read, min(left, _CHUNK_BYTES))
        if not data:
            # The file has become shorter; the browser sees that its length is wrong.
            raise ConnectionResetError("the file was cut while it was sent")
        await response.write(data)
        left -= len(data)


def _is_known(request: web.Request, body: ServedBody) -> bool:
    """Return whether the browser has this version (RFC 9110, section 13.2.2)."""
    known = request.if_none_match
    if known is not None:
        return any(tag.value in ("*", body.etag) for tag in known)
    since = request.if_modified_since
    return (
        since is not None and body.modified is not None and int(body.modified) <= since.timestamp()
    )


def _range(request: web.Request, body: ServedBody) -> tuple[int, int] | None:
    """Return the first byte and the number of bytes that are asked for; None for all.

    The number is 0 for a range that cannot be satisfied.
    """
    field = request.headers.get("If-Range", "")
    if field and field != f'"{body.etag}"':
        date = request.if_range
        modified = datetime.fromtimestamp(int(body.modified or 0), UTC)
        if date is None or body.modified is None or date != modified:
            return None
    try:
        wanted = request.http_range
    except ValueError:
        # Several ranges, or another unit: the whole body is a valid answer (section 14.2).
        return None
    first, stop = wanted.start, wanted.stop
    if first is None and stop is None:
        return None
    first = 0 if first is None else first
    first = max(0, body.size + first) if first < 0 else first
    last = body.size if stop is None else min(stop, body.size)
    return first, max(0, last - first)
