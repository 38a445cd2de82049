"""Lines of lists, validated: each becomes a target, or the failure of the line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from downloader.errors import BadUrlError, UrlError
from downloader.models import Checksum, Failed, Target
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url

#: A line of a list: a target, or the failure of a line that is none.
Entry = Target | Failed

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\t -~\x80-\U0010FFFF]*)")
_DIGEST_BITS = {"md5": 128, "sha1": 160, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}


@dataclass(slots=True)
class ListLine:
    """One line of a list, not yet validated.

    Attributes:
        origin: where it was read, such as ``sites.txt:3``.
        text: the URL, as written.
        name: the file name for it, or None.
        checksum: the expected checksum, as written, or None.
        headers: request header fields, written ``Name: value``.
        error: what the parser of the list found wrong with the line.
        home: the URL that the user named, if the line is of a list on the network.
    """

    origin: str
    text: str
    name: str | None = None
    checksum: str | None = None
    headers: list[str] = field(default_factory=list)
    error: UrlError | None = None
    home: Url | None = None


def from_line(line: ListLine, index: int) -> Entry:
    """Return the target that a line stands for, or what is wrong with the line."""
    try:
        if line.error is not None:
            raise line.error
        return Target(
            url=urls.parse(line.text),
            index=index,
            origin=line.origin,
            name=line.name or None,
            checksum=parse_checksum(line.checksum) if line.checksum else None,
            headers=tuple(map(parse_header, line.headers)),
            root=line.home,
        )
    except UrlError as error:
        return Failed(
            index=index,
            origin=line.origin,
            url=urls.redact_text(line.text),
            kind=error.kind,
            message=error.message,
            hint=error.hint,
        )


def from_items(items: Iterable[str | Target]) -> Iterator[Entry]:
    """Yield targets for the URLs or targets that a program passes, numbered from 0.

    A :class:`Target` keeps all but its ``index``.
    """
    for index, item in enumerate(items):
        if isinstance(item, Target):
            yield Target(
                url=item.url,
                index=index,
                origin=item.origin or f"#{index + 1}",
                name=item.name,
                checksum=item.checksum,
                headers=item.headers,
            )
        else:
            yield from_line(ListLine(f"#{index + 1}", item.strip()), index)


def from_addresses(addresses: Iterable[tuple[str, str]]) -> Iterator[Entry]:
    """Yield targets for pairs of origin and URL, numbered from 0."""
    for index, (origin, address) in enumerate(addresses):
        yield from_line(ListLine(origin, address), index)


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of a header field written ``Name: value``.

    Raises:
        BadUrlError: it is not a header field (RFC 9110, section 5).
    """
    match = _HEADER.fullmatch(text.strip())
    if match is None:
        # Only the first word is quoted, because the rest may be a secret.
        shown = printable(text.split(maxsplit=1)[0][:40]) if text.strip() else ""
        raise BadUrlError(f"not a header field: {shown!r}", hint="write Name: value")
    return match[1], match[2]


def parse_checksum(text: str) -> Checksum:
    """Return a checksum written as ``sha-256=HEX`` (aria2), ``sha256:HEX`` or bare SHA-256 hex.

    Raises:
        BadUrlError: it is not a checksum, or its algorithm is unknown.
    """
    algorithm, _, digest = text.strip().lower().replace(":", "=").rpartition("=")
    algorithm = algorithm.replace("-", "") or "sha256"
    bits = _DIGEST_BITS.get(algorithm)
    if bits is None or not re.fullmatch(f"[0-9a-f]{{{bits // 4}}}", digest):
        raise BadUrlError(f"not a checksum: {printable(text[:80])!r}", hint="write sha-256=HEX")
    return Checksum(algorithm, digest)
