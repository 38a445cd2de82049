"""The data that this package takes and returns; all frozen."""

from collections.abc import Callable
from dataclasses import dataclass

#: Returns the bytes of a file of the folder, by its ``/``-separated path; None if there is none.
ReadFile = Callable[[str], bytes | None]
#: Returns the URL that a file of the folder was fetched from; None to keep the link.
SourceUrl = Callable[[str], str | None]
#: Returns whether a file will stand beside the page when it is read.
IsBeside = Callable[[str], bool]

#: The reason of an external reference to a file that is not in the folder.
NOT_SAVED = "not saved"
MIB = 1024 * 1024


class NotEmbeddedError(Exception):
    """A file cannot be embedded; the message says why. Never leaves this package."""


@dataclass(frozen=True, slots=True)
class ExternalReference:
    """A reference of a requisite that still leads out of the file.

    Attributes:
        document: the file it stands in.
        reference: what it leads to: a path of the folder, or a URL.
        reason: why that is not embedded, for people.
    """

    document: str
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class SingleFilePage:
    """A page as one file.

    Attributes:
        body: its bytes, in the encoding of the page.
        inlined: the files that are embedded.
        external_references: the requisites that are not.
    """

    body: bytes
    inlined: frozenset[str]
    external_references: tuple[ExternalReference, ...]


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file with everything it needs, as it is embedded in another.

    Attributes:
        text: a ``data:`` URI or the markup of a frame; empty if it cannot be embedded.
        error: why it cannot.
        is_markup: whether it is the markup of a frame.
        inlined, external_references: see :class:`SingleFilePage`.
    """

    text: str = ""
    error: str = ""
    is_markup: bool = False
    inlined: frozenset[str] = frozenset()
    external_references: tuple[ExternalReference, ...] = ()
