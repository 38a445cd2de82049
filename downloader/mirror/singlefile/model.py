"""What goes in and what comes out: frozen data."""

from collections.abc import Callable
from dataclasses import dataclass

#: Gives the bytes of a file of the folder, by its ``/``-separated path; None if there is none.
Read = Callable[[str], bytes | None]
#: Gives the address that a file of the folder was fetched from; None to keep the link.
Address = Callable[[str], str | None]
#: Whether a file stands beside the page when it is read.
Beside = Callable[[str], bool]

#: Why a reference still leads out of the file: the folder has no file for it.
NOT_SAVED = "not saved"
MIB = 1024 * 1024


class NotEmbedded(Exception):  # noqa: N818 - never leaves this package
    """Why a file stays outside."""


@dataclass(frozen=True, slots=True)
class ExternalReference:
    """A reference that still leads out of the file.

    Attributes:
        document: the file it stands in.
        reference: what it leads to: a path of the folder, or an address.
        reason: why it is not within, for people.
    """

    document: str
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class SingleFilePage:
    """A page that is one file.

    Attributes:
        body: its bytes, in the encoding of the page.
        inlined: the files that are within.
        left: the requisites that are not.
    """

    body: bytes
    inlined: frozenset[str]
    left: tuple[ExternalReference, ...]


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file with all that it needs, as it is written into another.

    Attributes:
        text: a ``data:`` URI, or the markup of a frame; empty if it stays outside.
        refused: why it does.
        markup: whether it is the markup of a frame.
        inlined, left: see :class:`SingleFilePage`.
    """

    text: str = ""
    refused: str = ""
    markup: bool = False
    inlined: frozenset[str] = frozenset()
    left: tuple[ExternalReference, ...] = ()
