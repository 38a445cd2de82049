"""Find the type of a body by its first bytes, before its file has a name."""

from downloader.core.body_reader import SpeedGuard
from downloader.errors import DecodeError
from downloader.http import Response
from downloader.models import NetworkOptions
from downloader.web.content_coding import decoder_for
from downloader.web.mime_sniffing import RESOURCE_HEADER_BYTES, needs_sniffing, sniffed_type


async def sniff_body(response: Response, options: NetworkOptions) -> None:
    """Set the media type of a response by the first bytes of its body, if it has to be sniffed.

    The bytes are read again with the rest of the body.

    Raises:
        UrlError: the body breaks off, or comes too slowly.
    """
    if not _needs_sniffing(response):
        return
    decoder = decoder_for(response.content_coding, response.supplied_type, response.url)
    speed_guard = SpeedGuard.for_options(options.min_speed)
    received: list[bytes] = []
    head = b""
    while len(head) < RESOURCE_HEADER_BYTES and (data := await response.read_some()):
        received.append(data)
        if speed_guard is not None:
            speed_guard.feed(len(data))
        try:
            for piece in decoder.feed(data) if decoder is not None else (data,):
                head += piece[:RESOURCE_HEADER_BYTES]
                if len(head) >= RESOURCE_HEADER_BYTES:
                    break
        except DecodeError:
            break  # as it does when the body is read again
        if response.is_read:
            break
    response.unread(b"".join(received))
    _set_type(response, head)


def sniff_partial_body(response: Response, head: bytes) -> None:
    """Set the media type of a response that continues a body; *head* is the body's beginning."""
    if _needs_sniffing(response):
        _set_type(response, head)


def _needs_sniffing(response: Response) -> bool:
    fields = response.header_values("Content-Type")
    return needs_sniffing(response.supplied_type, fields[-1] if fields else "")


def _set_type(response: Response, head: bytes) -> None:
    options = response.header("X-Content-Type-Options").partition(",")[0]
    response.media_type = sniffed_type(
        head, response.supplied_type, no_sniff=options.strip().lower() == "nosniff"
    )
