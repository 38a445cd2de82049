"""Checksums, as lists and the files of ``sha256sum`` (GNU) and ``sha256`` (BSD) write them."""

import re

from downloader.errors import BadUrlError
from downloader.models.targets import Checksum
from downloader.web.text import printable

#: The algorithms that are known, by their names in :mod:`hashlib`, and the bits of their digests.
_DIGEST_BITS = {"md5": 128, "sha1": 160, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}
_ALGORITHMS = {bits: name for name, bits in _DIGEST_BITS.items()}
_HEX = re.compile("[0-9a-f]*")
#: ``HASH  NAME``, or ``HASH *NAME`` for a binary file; the backslash tells that NAME has escapes.
_GNU_LINE = re.compile(
    r"(?P<escaped>\\?)(?P<digest>[0-9a-f]{32,128})[ \t][ \t*]?(?P<name>.+)",
    re.IGNORECASE | re.DOTALL,
)
#: ``SHA256 (NAME) = HASH``.
_BSD_LINE = re.compile(
    r"(?P<escaped>\\?)(?P<algorithm>(?:md|sha)-?[0-9]+) ?"
    r"\((?P<name>.+)\) ?= ?(?P<digest>[0-9a-f]+)",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED_CHARACTERS = {"\\": "\\", "n": "\n", "r": "\r"}


def parse_checksum(text: str) -> Checksum:
    """Return a checksum written as ``sha-256=HEX`` (aria2), ``sha256:HEX`` or bare SHA-256 hex.

    Raises:
        BadUrlError: it is not a checksum, or its algorithm is unknown.
    """
    algorithm, _, digest = text.strip().lower().replace(":", "=").rpartition("=")
    checksum = _checksum_of(algorithm or "sha256", digest)
    if checksum is None:
        raise BadUrlError(f"not a checksum: {printable(text[:80])!r}", hint="write sha-256=HEX")
    return checksum


def parse_checksum_line(line: str) -> tuple[str, Checksum] | None:
    r"""Return the name and the checksum of a line that ``sha256sum`` or ``sha256`` has written.

    Without the name of an algorithm, the length of the hash tells it. None if it is no such line.

    Example:
        >>> parse_checksum_line("d41d8cd98f00b204e9800998ecf8427e *a.zip")
        ('a.zip', Checksum(algorithm='md5', digest='d41d8cd98f00b204e9800998ecf8427e'))
    """
    if match := _BSD_LINE.fullmatch(line):
        checksum = _checksum_of(match["algorithm"].lower(), match["digest"].lower())
    elif match := _GNU_LINE.fullmatch(line):
        checksum = _checksum_of("", match["digest"].lower())
    else:
        return None
    if checksum is None:
        return None
    name = match["name"]
    if match["escaped"]:
        name = _ESCAPE.sub(lambda escape: _ESCAPED_CHARACTERS.get(escape[1], escape[0]), name)
    return name, checksum


def format_checksum_line(name: str, sha256: str) -> str:
    r"""Return the line of a file with its SHA-256, as ``sha256sum`` writes and reads it.

    Example:
        >>> format_checksum_line("a\nb", "00")
        '\\00  a\\nb'
    """
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{sha256}  {escaped}"


def _checksum_of(algorithm: str, digest: str) -> Checksum | None:
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
