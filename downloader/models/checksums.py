"""Checksums: the expected hash of a body, as lists write it."""

import re
from dataclasses import dataclass

from downloader.errors import BadUrlError
from downloader.web.text import printable

#: The algorithms that are known, by their names in :mod:`hashlib`, and the bits of their digests.
_DIGEST_BITS = {"md5": 128, "sha1": 160, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}
_ALGORITHMS = {bits: name for name, bits in _DIGEST_BITS.items()}
_HEX = re.compile("[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Checksum:
    """The expected hash of a decoded body.

    Attributes:
        algorithm: a name of :mod:`hashlib`.
        digest: in lower-case hex.
    """

    algorithm: str
    digest: str


def parse_checksum(text: str) -> Checksum:
    """Return a checksum written as ``sha-256=HEX`` (aria2), ``sha256:HEX`` or bare SHA-256 hex.

    Raises:
        BadUrlError: it is not a checksum, or its algorithm is unknown.
    """
    algorithm, _, digest = text.strip().lower().replace(":", "=").rpartition("=")
    checksum = checksum_of(algorithm or "sha256", digest)
    if checksum is None:
        raise BadUrlError(f"not a checksum: {printable(text[:80])!r}", hint="write sha-256=HEX")
    return checksum


def checksum_of(algorithm: str, digest: str) -> Checksum | None:
    """Return the checksum of a known algorithm; None if the digest is none of it.

    Args:
        algorithm: its name in lower case, such as ``sha-256``; empty if the length of the digest
            tells it.
        digest: in lower-case hex.
    """
    bits = 4 * len(digest)
    name = algorithm.replace("-", "") or _ALGORITHMS.get(bits, "")
    is_valid = _DIGEST_BITS.get(name) == bits and _HEX.fullmatch(digest)
    return Checksum(name, digest) if is_valid else None
