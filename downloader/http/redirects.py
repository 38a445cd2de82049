"""The targets of redirects (RFC 9110, sections 10.2.2 and 15.4)."""

from downloader.errors import BadUrlError, RedirectError
from downloader.http.response import AnyResponse
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url

#: The statuses that redirect a GET.
REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: A longer URL is refused: thousands of them may wait in queues.
_MAX_URL_LENGTH = 16 * 1024


def redirect_target(response: AnyResponse, base: Url) -> Url:
    """Return the URL that *response*, a redirect of *base*, leads to; without credentials.

    Raises:
        RedirectError: it leads to no web address, or to one that is too long.
    """
    location = location_text(_raw_location(response))
    try:
        target, _ = urls.without_credentials(urls.join(base, location))
    except BadUrlError as error:
        shown = printable(urls.redact_text(location))
        raise RedirectError(f"redirects to '{shown}': {error.message}") from error
    if len(target) > _MAX_URL_LENGTH:
        raise RedirectError("redirects to a URL that is too long")
    return target


def _raw_location(response: AnyResponse) -> bytes:
    for name, value in response.raw_headers:
        if name.lower() == b"location":
            return value
    if "Location" not in response.headers:
        raise RedirectError(f"{response.status} without a Location")
    return response.headers["Location"].encode("utf-8", "surrogateescape")


def location_text(raw: bytes) -> str:
    """Return a Location field as text; if it is not UTF-8, its other bytes percent-encoded.

    A server that sends Latin-1 means these bytes: decoded and encoded again as UTF-8, they would
    be another URL.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)
