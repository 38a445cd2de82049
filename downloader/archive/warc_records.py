"""Pure: an exchange as WARC records (WARC 1.1, ISO 28500:2017), without their compression.

They are written by this module rather than by a library, because warcio's writer takes several
times the CPU of a whole download for each exchange; what it reads and checks is what is written.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from downloader.models import WarcDigest
from downloader.models.exchange import Exchange, Truncation

#: What ends each record.
END = b"\r\n\r\n"
#: Below a record's content type, how the profiles of revisits are named (WARC 1.1, section 6.7).
_PROFILES = "http://netpreserve.org/warc/1.1/revisit/"
_CONFORMS = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
_CODED = re.compile(rb"^transfer-encoding(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)
#: Base 32 (RFC 4648, section 6), two characters at a time; the standard library takes longer for
#: the digests of an exchange than for their hashing.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE32 = [first + second for first in _LETTERS for second in _LETTERS]
_SHIFTS = range(150, -1, -10)
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


class RevisitProfile(StrEnum):
    """Why a record has no payload of its own."""

    IDENTICAL = _PROFILES + "identical-payload-digest"
    NOT_MODIFIED = _PROFILES + "server-not-modified"


class Hash(Protocol):
    """What :mod:`hashlib` gives."""

    def update(self, data: bytes, /) -> None:
        """Take in more."""

    def digest(self) -> bytes:
        """Return the digest of all of it."""


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """The record that a revisit is said to repeat.

    Attributes:
        url, date: its target and its date, as in its header.
        record: its identifier, or empty if that is not known.
        digest: of its payload, or empty if that is not known.
    """

    url: str
    date: str
    record: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDetails:
    """What goes into the record of an answer besides the exchange itself.

    Attributes:
        record: its identifier.
        date: see :func:`date_of`.
        head: of the answer, as it is to be written.
        length: bytes of the payload.
        digest: of the payload, as written; empty for none.
        cut: why the payload is not whole, or None.
        profile: for a revisit, what kind; or None.
        original: for a revisit, what it repeats, if that is known.
    """

    record: str
    date: str
    head: bytes
    length: int
    digest: str
    cut: Truncation | None = None
    profile: RevisitProfile | None = None
    original: OriginalRecord | None = None


def identifier() -> str:
    """Return a new record identifier: a random UUID (RFC 9562, section 5.4)."""
    text = os.urandom(16).hex()
    variant = _VARIANTS[text[16]]
    return f"<urn:uuid:{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}>"


def date_of(seconds: float) -> str:
    """Return a date for a header: UTC, with milliseconds, as WARC 1.1 allows."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def hasher(kind: WarcDigest) -> Callable[..., Hash]:
    """Return what makes a new hash, perhaps of some bytes already."""
    return hashlib.sha1 if kind is WarcDigest.SHA1 else hashlib.sha256


def digest_of(kind: WarcDigest, data: bytes) -> str:
    """Return the digest of *data* as it is written."""
    return digest_text(kind, hasher(kind)(data).digest())


def digest_text(kind: WarcDigest, digest: bytes) -> str:
    """Return a digest as tools expect it: SHA-1 in base 32, SHA-256 in hex."""
    if kind is WarcDigest.SHA1:
        number = int.from_bytes(digest)
        return "sha1:" + "".join([_BASE32[number >> shift & 1023] for shift in _SHIFTS])
    return "sha256:" + digest.hex()


def head_to_write(exchange: Exchange, length: int) -> bytes:
    """Return the head of the answer, made to fit the *length* bytes of a body without its coding.

    As it was received, unless the body had a transfer coding: that has been removed, so the field
    that announced it is renamed, as Common Crawl and others do, and the length is given instead.
    """
    if exchange.transfer_coding in ("", "identity"):
        return exchange.head
    head = _CODED.sub(b"X-Crawler-Transfer-Encoding", exchange.head)
    head = _LENGTH.sub(b"X-Crawler-Content-Length", head)
    return head.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % length


def response_header(exchange: Exchange, answer: ResponseDetails, info: str) -> bytes:
    """Return the header of a response or revisit record, of the file that *info* begins.

    It has a digest of the payload alone, as Heritrix has it: another one of the whole block would
    cost as much again, and each gzip member has its own checksum.
    """
    kind = "revisit" if answer.profile else "response"
    lines = [
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: {answer.record}\r\n"
        f"WARC-Warcinfo-ID: {info}\r\nWARC-Target-URI: {exchange.url}\r\n"
        f"WARC-Date: {answer.date}\r\n"
    ]
    if exchange.ip_address:
        lines.append(f"WARC-IP-Address: {_numeric(exchange.ip_address)}\r\n")
    if answer.profile is not None:
        lines.append(f"WARC-Profile: {answer.profile}\r\n")
    if answer.original is not None:
        lines.append(f"WARC-Refers-To-Target-URI: {answer.original.url}\r\n")
        lines.append(f"WARC-Refers-To-Date: {answer.original.date}\r\n")
        if answer.original.record:
            lines.append(f"WARC-Refers-To: {answer.original.record}\r\n")
    if answer.digest:
        lines.append(f"WARC-Payload-Digest: {answer.digest}\r\n")
    if answer.cut is not None:
        lines.append(f"WARC-Truncated: {answer.cut}\r\n")
    length = len(answer.head) + (0 if answer.profile else answer.length)
    lines.append(
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {length}\r\n\r\n"
    )
    return "".join(lines).encode("utf-8")


def request_record(
    exchange: Exchange, answer: ResponseDetails, info: str, kind: WarcDigest
) -> bytes:
    """Return the record of the request, as its bytes were sent."""
    address = f"WARC-IP-Address: {_numeric(exchange.ip_address)}\r\n" if exchange.ip_address else ""
    header = (
        f"WARC/1.1\r\nWARC-Type: request\r\nWARC-Record-ID: {identifier()}\r\n"
        f"WARC-Warcinfo-ID: {info}\r\nWARC-Concurrent-To: {answer.record}\r\n"
        f"WARC-Target-URI: {exchange.url}\r\nWARC-Date: {answer.date}\r\n{address}"
        f"WARC-Block-Digest: {digest_of(kind, exchange.request)}\r\n"
        "Content-Type: application/http; msgtype=request\r\n"
        f"Content-Length: {len(exchange.request)}\r\n\r\n"
    )
    return header.encode("utf-8") + exchange.request + END


def metadata_record(
    exchange: Exchange, answer: ResponseDetails, info: str, kind: WarcDigest, seconds: float
) -> bytes:
    """Return the record of what is known of an exchange that took so many *seconds*.

    Its fields are those of Heritrix: ``seed`` for an address that was asked for by itself, and
    ``via`` and ``hopsFromSeed`` for one that a redirect or a page led to.
    """
    fields = [f"fetchTimeMs: {max(0, round(seconds * 1000))}\r\n"]
    if exchange.via is None:
        fields.append("seed: 1\r\n")
    else:
        fields.append(f"via: {exchange.via}\r\nhopsFromSeed: {exchange.hops_from_seed}\r\n")
    block = "".join(fields).encode("utf-8")
    header = (
        f"WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Record-ID: {identifier()}\r\n"
        f"WARC-Warcinfo-ID: {info}\r\nWARC-Concurrent-To: {answer.record}\r\n"
        f"WARC-Target-URI: {exchange.url}\r\nWARC-Date: {answer.date}\r\n"
        f"WARC-Block-Digest: {digest_of(kind, block)}\r\n"
        f"Content-Type: application/warc-fields\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return header.encode("utf-8") + block + END


def info_record(
    record: str, date: str, name: str, kind: WarcDigest, fields: Iterable[tuple[str, str]]
) -> bytes:
    """Return the record that begins the file *name*."""
    said = [*fields, ("format", "WARC File Format 1.1"), ("conformsTo", _CONFORMS)]
    block = "".join(f"{key}: {_CONTROLS.sub(' ', value)}\r\n" for key, value in said)
    data = block.encode("utf-8")
    header = (
        f"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: {record}\r\n"
        f"WARC-Date: {date}\r\nWARC-Filename: {_CONTROLS.sub(' ', name)}\r\n"
        f"WARC-Block-Digest: {digest_of(kind, data)}\r\n"
        f"Content-Type: application/warc-fields\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return header.encode("utf-8", "replace") + data + END


def _numeric(address: str) -> str:
    """Return an IP address without the zone of a link-local one, which means nothing elsewhere."""
    return address.partition("%")[0]
