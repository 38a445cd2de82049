"""Selects bodies by patterns of their media types, such as ``image/*``."""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Type and subtype (RFC 9110, section 8.3.1) with the wildcards of globs.
_GLOB = r"[\w!#$%&'*+.^`|~?\[\]-]+"
_PATTERN = re.compile(rf"{_GLOB}/{_GLOB}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MediaTypeFilter:
    """The media types that ``--accept-type`` and ``--reject-type`` select.

    Attributes:
        accept: comma-separated lists of globs; if there are any, only types that match one are
            selected.
        reject: the same; types that match one are not selected.

    Raises, when constructed:
        ValueError: an item is not a pattern of media types.

    >>> MediaTypeFilter(accept=("image/*",), reject=("image/svg+xml",)).selects("image/png")
    True
    """

    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    _accepted: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _rejected: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_accepted", _compile(self.accept))
        object.__setattr__(self, "_rejected", _compile(self.reject))

    def __bool__(self) -> bool:
        """Whether any type may not be selected."""
        return self._accepted is not None or self._rejected is not None

    def rejects(self, media_type: str) -> bool:
        """Return whether a type matches a pattern of :attr:`reject`."""
        return self._rejected is not None and self._rejected.match(media_type) is not None

    def selects(self, media_type: str) -> bool:
        """Return whether a type is selected; it is in lower case and without parameters."""
        if self.rejects(media_type):
            return False
        return self._accepted is None or self._accepted.match(media_type) is not None


def media_type_patterns(text: str) -> list[str]:
    """Return the patterns of a comma-separated list, in lower case.

    Raises:
        ValueError: one is not a pattern of media types.
    """
    patterns = [item.strip().lower() for item in text.split(",")]
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(f"{pattern[:100]!r} is not a media type; write image/png or image/*")
    return patterns


def _compile(texts: Iterable[str]) -> re.Pattern[str] | None:
    patterns = [pattern for text in texts for pattern in media_type_patterns(text)]
    return re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None
