"""Header fields: of requests, as HTTP/2 has them, and of responses, checked.

A response whose fields are malformed is the fault of its stream alone (RFC 9113, section 8.1.1).
h2 would end the connection over it, with all its other streams, so that it does not check them.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus

from hpack import Decoder, HeaderTuple, NeverIndexedHeaderTuple
from multidict import CIMultiDict, CIMultiDictProxy

from downloader.errors import BadUrlError, ProtocolError
from downloader.models import Request
from downloader.web import urls
from downloader.web.urls import Url

#: Fields of one connection (RFC 9113, section 8.2.2).
_CONNECTION_FIELDS = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_NOT_SENT = _CONNECTION_FIELDS | {b"host", b"te"}
#: Secrets do not become part of the compression's table (RFC 7541, section 7.1.3).
_SECRETS = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_LINE_BREAKS = re.compile(rb"[\r\n\0]")
_STATUS = re.compile(rb"[1-9][0-9]{2}")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CONTENT_LENGTH = b"content-length"
_GET = HeaderTuple(b":method", b"GET")
#: The name that h2 does not take for the length.
_HIDDEN_CONTENT_LENGTH = b"Content-Length"

Fields = tuple[tuple[bytes, bytes], ...]

# hpack logs the fields of requests, which may hold secrets.
logging.getLogger("hpack").setLevel(logging.WARNING)


class FieldDecoder(Decoder):
    """Decodes the fields of responses for h2, which does not get to see their lengths.

    h2 ends the connection when a body does not have its announced length, and cannot be told to
    end the stream alone.
    """

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        """Return the fields of a head."""
        return [
            HeaderTuple(_HIDDEN_CONTENT_LENGTH, field[1]) if field[0] == _CONTENT_LENGTH else field
            for field in super().decode(data, raw=raw)
        ]


class Http2Head:
    """The head of a response.

    Attributes:
        status: the status code.
        reason: the phrase that HTTP/1.1 has for it, if it is a standard one: HTTP/2 has none.
        raw_headers: names and values of the fields.
        headers: the same as text.
        content_length: the announced length of the body; None without one.

    Raises, when made:
        ProtocolError: the fields are malformed.
    """

    __slots__ = ("content_length", "headers", "raw_headers", "reason", "status")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        pseudo, *others = fields or [(b"", b"")]
        if pseudo[0] != b":status" or not _STATUS.fullmatch(pseudo[1]):
            raise ProtocolError("the response is not valid HTTP/2: no status")
        self.status = int(pseudo[1])
        self.reason = _REASONS.get(self.status, "")
        self.content_length: int | None = None
        raw, text = [], []
        for name, value in others:
            if name == _HIDDEN_CONTENT_LENGTH:
                name = _CONTENT_LENGTH
                self._announce(value)
            value = value.strip(b" \t")
            raw.append((name, value))
            text.append((_field_name(name), value.decode("utf-8", "surrogateescape")))
        if _LINE_BREAKS.search(b"".join([value for _, value in raw])):
            raise ProtocolError("the response is not valid HTTP/2: a line break in a field")
        self.raw_headers: Fields = tuple(raw)
        self.headers = CIMultiDictProxy(CIMultiDict(text))

    def _announce(self, value: bytes) -> None:
        """Note the announced length (RFC 9110, section 8.6)."""
        members = {member.strip(b" \t") for member in value.split(b",")}
        length = members.pop()
        if members or not _LENGTH.fullmatch(length):
            raise ProtocolError("the response is not valid HTTP/2: its Content-Length is no number")
        if self.content_length not in (None, int(length)):
            raise ProtocolError("the response is not valid HTTP/2: two values of Content-Length")
        self.content_length = int(length)

    def as_http1(self) -> bytes:
        """Return the head as HTTP/1.1 has it, for an archive."""
        status_line = f"HTTP/1.1 {self.status} {self.reason}".encode("ascii")
        fields = [b": ".join(field) for field in self.raw_headers]
        return b"\r\n".join([status_line, *fields, b"", b""])


@lru_cache(maxsize=1024)
def _field_name(name: bytes) -> str:
    """Return the name of a field as text.

    Raises:
        ProtocolError: it is not allowed (RFC 9113, section 8.2).
    """
    if not _TOKEN.fullmatch(name) or name in _CONNECTION_FIELDS:
        shown = name[:40].decode("ascii", "replace")
        raise ProtocolError(f"the response is not valid HTTP/2: the field {shown!r} is not allowed")
    return name.decode("ascii")


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def header_fields(headers: Mapping[str, str]) -> list[HeaderTuple]:
    """Return the fields of a request that do not depend on its URL.

    Raises:
        BadUrlError: a value holds a line break.
    """
    fields: list[HeaderTuple] = []
    for name, value in headers.items():
        field = name.lower().encode(), value.encode("utf-8", "surrogateescape")
        if _LINE_BREAKS.search(field[1]) or not _TOKEN.fullmatch(field[0]):
            raise BadUrlError(f"the request cannot be made: the header {name!r} is not valid")
        if field[0] in _SECRETS:
            fields.append(NeverIndexedHeaderTuple(*field))
        elif field[0] not in _NOT_SENT:
            fields.append(HeaderTuple(*field))
    return fields


def request_fields(
    url: Url, host: str, fields: list[HeaderTuple], request: Request | None = None
) -> list[HeaderTuple]:
    """Return all fields of a request for *url* (RFC 9113, section 8.3.1).

    *host* replaces the host of the URL, if it is not empty. Without *request* it is a GET.
    """
    method = _GET
    if request is not None:
        method = HeaderTuple(b":method", request.method.encode("ascii"))
        if request.body is not None or not request.is_idempotent:
            length = b"%d" % len(request.body or b"")
            fields = [*fields, HeaderTuple(_CONTENT_LENGTH, length)]
    authority, path, query = urls.split(url)
    target = f"{path}?{query}" if query or url.endswith("?") else path
    return [
        method,
        HeaderTuple(b":scheme", url.partition(":")[0].encode("ascii")),
        HeaderTuple(b":authority", (host or authority).encode("ascii")),
        # Each path is asked for once: in the table it would only push others out.
        NeverIndexedHeaderTuple(b":path", target.encode("ascii")),
        *fields,
    ]


def request_as_http1(fields: list[HeaderTuple], body: bytes) -> bytes:
    """Return a request as HTTP/1.1 has it, for an archive."""
    method, _, authority, path, *others = fields
    lines = [method[1] + b" " + path[1] + b" HTTP/1.1", b"host: " + authority[1]]
    lines += [name + b": " + value for name, value in others]
    return b"\r\n".join([*lines, b"", body])
