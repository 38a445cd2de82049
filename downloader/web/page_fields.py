"""Fields of a response that act like elements of its page: Refresh and X-Robots-Tag.

They are kept as text, a field on each line, so that they are at hand when the page is read later.
"""

import re
from collections.abc import Callable, Iterable, Iterator

REFRESH, ROBOTS_TAG = "refresh", "x-robots-tag"
#: Characters of a value that are kept; longer ones are ignored.
_MAX_VALUE_LENGTH = 10_000
#: Fields of each name that are kept.
_MAX_FIELDS = 10
#: Directives of X-Robots-Tag that have a value, so that they do not look like the name of a robot.
_DIRECTIVES_WITH_VALUES = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_ROBOT_NAME = re.compile(r"\s*([\w*.-]+)\s*:(.*)", re.DOTALL)


def page_fields(values: Callable[[str], Iterable[str]]) -> str:
    """Return the fields of a response as text; *values* returns the values of a field."""
    return "\n".join(
        f"{name}: {value}"
        for name in (REFRESH, ROBOTS_TAG)
        for value in list(values(name))[:_MAX_FIELDS]
        if len(value) <= _MAX_VALUE_LENGTH
    )


def values_of(fields: str, wanted: str) -> Iterator[str]:
    """Yield the values of one of the fields that :func:`page_fields` returned."""
    for line in fields.split("\n"):
        name, _, value = line.partition(": ")
        if name == wanted:
            yield value


def robots_directives(fields: str, robot: str) -> Iterator[str]:
    """Yield the directives of X-Robots-Tag for all robots and for *robot*, in lower case.

    The name of a robot holds for the directives after it, up to the end of its field.
    """
    for value in values_of(fields, ROBOTS_TAG):
        applies = True
        for part in value.split(","):
            directive = part
            named = _ROBOT_NAME.fullmatch(part)
            if named and named[1].lower() not in _DIRECTIVES_WITH_VALUES:
                applies = named[1].lower() in {"*", "robots", robot}
                directive = named[2]
            if applies:
                yield directive.strip().lower()
