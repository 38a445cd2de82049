"""The image candidates of a ``srcset`` attribute (HTML standard, 4.8.4.3.10)."""

import re
from collections.abc import Iterator

_SEPARATORS = re.compile(r"[\t\n\f\r ,]*+")
_URL = re.compile(r"[^\t\n\f\r ]++")
#: All descriptors of a candidate, up to the comma that is not in parentheses.
_DESCRIPTORS = re.compile(r"(?:[^,(]++|\([^)]*+(?:\)|\Z))*+")
_DESCRIPTOR = re.compile(r"(?:[^\t\n\f\r (]++|\([^)]*+(?:\)|\Z))++")
_INTEGER = re.compile(r"[0-9]+")
#: HTML standard, 2.3.4.3: a valid floating-point number.
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def candidate_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the span of the URL of each candidate that a browser would consider."""
    position = 0
    while True:
        separators = _SEPARATORS.match(text, position)
        url = _URL.match(text, separators.end() if separators else position)
        if url is None:
            return
        end = url.start() + len(url[0].rstrip(","))
        if end < url.end():
            yield url.start(), end
            position = url.end()
            continue
        descriptors = _DESCRIPTORS.match(text, url.end())
        position = descriptors.end() if descriptors else url.end()
        if _are_valid(_DESCRIPTOR.findall(text, url.end(), position)):
            yield url.start(), url.end()


def protect_commas(url: str) -> str:
    """Return *url* with the commas at its ends percent-encoded, which would separate candidates."""
    inner = url.strip(",")
    left = len(url) - len(url.lstrip(","))
    return "%2C" * left + inner + "%2C" * (len(url) - left - len(inner)) if inner else url


def _are_valid(descriptors: list[str]) -> bool:
    units: set[str] = set()
    for descriptor in descriptors:
        number, unit = descriptor[:-1], descriptor[-1]
        if unit in units or unit not in "wxh":
            return False
        if unit == "x":
            if not _FLOAT.fullmatch(number) or float(number) < 0 or units & {"w", "h"}:
                return False
        elif (
            not _INTEGER.fullmatch(number)
            or "x" in units
            or (unit == "w" and not number.strip("0"))
        ):
            return False
        if unit == "h" and not number.strip("0"):
            return False
        units.add(unit)
    return "h" not in units or "w" in units
