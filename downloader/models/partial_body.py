"""The beginning of a body that an earlier attempt left behind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartialBody:
    """The version of the resource that a ``.part`` file holds the beginning of.

    Attributes:
        url: where the body came from, after redirects.
        validator: what ``If-Range`` sends: a strong entity tag or a modification date; empty if
            the body cannot be resumed.
        total: bytes of the whole body, or None if the server did not say.
    """

    url: str
    validator: str
    total: int | None
