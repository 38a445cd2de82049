"""The beginning of a body that an earlier attempt left behind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartialBody:
    """What is known of the beginning of a body that a ``.part`` file holds.

    Attributes:
        url: where the body came from, after redirects.
        validator: what to send in ``If-Range``: a strong entity tag, or a settled date; empty when
            nothing may continue it.
        total: bytes of the whole body, or None if that was not said.
    """

    url: str
    validator: str
    total: int | None
