"""Serializes an exchange as WARC records (WARC 1.1, ISO 28500:2017), before compression.

warcio's writer takes several times the CPU of a whole download for each exchange, so records are
written by this module; the tests read and check them with warcio.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from downloader._version import __version__
from downloader.models import WarcDigest
from downloader.models.exchange import Exchange, Truncation

#: The two line ends after the block of each record.
RECORD_END = b"\r\n\r\n"
#: The URIs of revisit profiles begin with this (WARC 1.1, section 6.7).
_PROFILE_PREFIX = "http://netpreserve.org/warc/1.1/revisit/"
#: The name of this program in warcinfo records, and how it is recognised there.
SOFTWARE = f"download/{__version__}"
OWN_SOFTWARE = b"software: download/"
_CONFORMS_TO = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
_TRANSFER_ENCODING = re.compile(rb"^transfer-encoding(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)
_CONTENT_LENGTH = re.compile(rb"^content-length(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)
#: Base 32 (RFC 4648, section 6) by pairs of characters, ten bits each: base64.b32encode takes
#: longer than the hashing of an exchange.
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE32_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHA1_SHIFTS = range(150, -1, -10)
#: The hex digit of a UUID that holds its variant, with the variant's bits set.
_UUID_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


class RevisitProfile(StrEnum):
    """Why a revisit record has no payload: the values of ``WARC-Profile``."""

    IDENTICAL_PAYLOAD = _PROFILE_PREFIX + "identical-payload-digest"
    NOT_MODIFIED = _PROFILE_PREFIX + "server-not-modified"


class Hash(Protocol):
    """A hash object of :mod:`hashlib`."""

    def update(self, data: bytes, /) -> None:
        """Hash more bytes."""

    def digest(self) -> bytes:
        """Return the digest of the bytes so far."""


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """The earlier capture that a revisit record refers to.

    Attributes:
        url, date: its target URI and date, as in its header.
        record_id: its record identifier; empty if unknown.
        payload_digest: its payload digest; empty if unknown.
    """

    url: str
    date: str
    record_id: str = ""
    payload_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDetails:
    """The header values of a response or revisit record that are not in its exchange.

    Attributes:
        record_id: its record identifier.
        date: see :func:`warc_date`.
        http_head: the HTTP head as recorded, see :func:`recorded_head`.
        payload_length: in bytes.
        payload_digest: as :func:`format_digest` writes it; empty for none.
        truncation: why the payload is incomplete, or None.
        profile: the profile of a revisit record; None for a response record.
        original: the capture that a revisit record refers to, if it is known.
    """

    record_id: str
    date: str
    http_head: bytes
    payload_length: int
    payload_digest: str
    truncation: Truncation | None = None
    profile: RevisitProfile | None = None
    original: OriginalRecord | None = None


def new_record_id() -> str:
    """Return a new record identifier: a random UUID (RFC 9562, section 5.4)."""
    text = os.urandom(16).hex()
    variant = _UUID_VARIANTS[text[16]]
    return f"<urn:uuid:{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}>"


def warc_date(seconds: float) -> str:
    """Format seconds since the epoch as ``WARC-Date``: UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def hash_constructor(algorithm: WarcDigest) -> Callable[..., Hash]:
    """Return the constructor of :mod:`hashlib` for an algorithm."""
    return hashlib.sha1 if algorithm is WarcDigest.SHA1 else hashlib.sha256


def digest_of(algorithm: WarcDigest, data: bytes) -> str:
    """Return the digest of *data*, as :func:`format_digest` writes it."""
    return format_digest(algorithm, hash_constructor(algorithm)(data).digest())


def format_digest(algorithm: WarcDigest, digest: bytes) -> str:
    """Return a labelled digest as other tools write it: SHA-1 in base 32, SHA-256 in hex."""
    if algorithm is WarcDigest.SHA1:
        number = int.from_bytes(digest)
        return "sha1:" + "".join([_BASE32_PAIRS[number >> shift & 1023] for shift in _SHA1_SHIFTS])
    return "sha256:" + digest.hex()


def recorded_head(exchange: Exchange, payload_length: int) -> bytes:
    """Return the HTTP head to record: as received, unless the body had a transfer coding.

    The recorded body is without its transfer coding, so the fields of the message framing are
    renamed, as Common Crawl does, and a ``Content-Length`` is added.
    """
    if exchange.transfer_coding in ("", "identity"):
        return exchange.head
    head = _TRANSFER_ENCODING.sub(b"X-Crawler-Transfer-Encoding", exchange.head)
    head = _CONTENT_LENGTH.sub(b"X-Crawler-Content-Length", head)
    return head.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % payload_length


def response_record_header(exchange: Exchange, details: ResponseDetails, warcinfo_id: str) -> bytes:
    """Return the WARC header of a response or revisit record.

    It has a payload digest and, as Heritrix's records, no block digest: that would cost as much
    again, and each gzip member has a checksum of its own.
    """
    record_type = "revisit" if details.profile else "response"
    lines = [
        f"WARC/1.1\r\nWARC-Type: {record_type}\r\nWARC-Record-ID: {details.record_id}\r\n"
        f"WARC-Warcinfo-ID: {warcinfo_id}\r\nWARC-Target-URI: {exchange.url}\r\n"
        f"WARC-Date: {details.date}\r\n{_connection_lines(exchange)}"
    ]
    if details.profile is not None:
        lines.append(f"WARC-Profile: {details.profile}\r\n")
    if details.original is not None:
        lines.append(f"WARC-Refers-To-Target-URI: {details.original.url}\r\n")
        lines.append(f"WARC-Refers-To-Date: {details.original.date}\r\n")
        if details.original.record_id:
            lines.append(f"WARC-Refers-To: {details.original.record_id}\r\n")
    if details.payload_digest:
        lines.append(f"WARC-Payload-Digest: {details.payload_digest}\r\n")
    if details.truncation is not None:
        lines.append(f"WARC-Truncated: {details.truncation}\r\n")
    length = len(details.http_head) + (0 if details.profile else details.payload_length)
    lines.append(
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {length}\r\n\r\n"
    )
    return "".join(lines).encode("utf-8")


def _connection_lines(exchange: Exchange) -> str:
    """Return the lines about a connection that response and request share."""
    lines = ""
    if exchange.ip_address:
        lines = f"WARC-IP-Address: {_without_zone(exchange.ip_address)}\r\n"
    if exchange.protocol:
        lines += f"WARC-Protocol: {exchange.protocol}\r\n"
    return lines


def request_record(
    exchange: Exchange, details: ResponseDetails, warcinfo_id: str, algorithm: WarcDigest
) -> bytes:
    """Return the record of the request, as it was sent."""
    connection = _connection_lines(exchange)
    header = (
        f"WARC/1.1\r\nWARC-Type: request\r\nWARC-Record-ID: {new_record_id()}\r\n"
        f"WARC-Warcinfo-ID: {warcinfo_id}\r\nWARC-Concurrent-To: {details.record_id}\r\n"
        f"WARC-Target-URI: {exchange.url}\r\nWARC-Date: {details.date}\r\n{connection}"
        f"WARC-Block-Digest: {digest_of(algorithm, exchange.request)}\r\n"
        "Content-Type: application/http; msgtype=request\r\n"
        f"Content-Length: {len(exchange.request)}\r\n\r\n"
    )
    return header.encode("utf-8") + exchange.request + RECORD_END


def metadata_record(
    exchange: Exchange,
    details: ResponseDetails,
    warcinfo_id: str,
    algorithm: WarcDigest,
    fetch_seconds: float,
) -> bytes:
    """Return the metadata record of an exchange, with the fields that Heritrix writes.

    ``seed`` marks a URL of the list; ``via`` and ``hopsFromSeed`` say how a redirect or a page led
    to any other URL.
    """
    fields = [f"fetchTimeMs: {max(0, round(fetch_seconds * 1000))}\r\n"]
    if exchange.via is None:
        fields.append("seed: 1\r\n")
    else:
        fields.append(f"via: {exchange.via}\r\nhopsFromSeed: {exchange.hops_from_seed}\r\n")
    block = "".join(fields).encode("utf-8")
    header = (
        f"WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Record-ID: {new_record_id()}\r\n"
        f"WARC-Warcinfo-ID: {warcinfo_id}\r\nWARC-Concurrent-To: {details.record_id}\r\n"
        f"WARC-Target-URI: {exchange.url}\r\nWARC-Date: {details.date}\r\n"
        f"WARC-Block-Digest: {digest_of(algorithm, block)}\r\n"
        f"Content-Type: application/warc-fields\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return header.encode("utf-8") + block + RECORD_END


def warcinfo_record(
    record_id: str,
    date: str,
    filename: str,
    algorithm: WarcDigest,
    fields: Iterable[tuple[str, str]],
) -> bytes:
    """Return the warcinfo record that begins the WARC file *filename*."""
    all_fields = [*fields, ("format", "WARC File Format 1.1"), ("conformsTo", _CONFORMS_TO)]
    text = "".join(f"{name}: {_CONTROLS.sub(' ', value)}\r\n" for name, value in all_fields)
    block = text.encode("utf-8")
    header = (
        f"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: {record_id}\r\n"
        f"WARC-Date: {date}\r\nWARC-Filename: {_CONTROLS.sub(' ', filename)}\r\n"
        f"WARC-Block-Digest: {digest_of(algorithm, block)}\r\n"
        f"Content-Type: application/warc-fields\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return header.encode("utf-8", "replace") + block + RECORD_END


def _without_zone(ip_address: str) -> str:
    """Return an IP address without its zone, which has no meaning on another machine."""
    return ip_address.partition("%")[0]
