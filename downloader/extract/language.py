"""The language of a text."""

import re

from turbohtml.detect import detect_language

#: Characters by which a language is detected; more costs time and changes little.
_SAMPLE_CHARACTERS = 20_000
#: Below this, the text is too short to tell, and the page's own declaration counts.
_MIN_CONFIDENCE = 0.5
#: A BCP 47 tag, as far as pages use it.
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")


def text_language(text: str, declared: str) -> str:
    """Return the language of *text* as a BCP 47 tag, or an empty string.

    Templates declare English for texts in any language, so that what the text looks like comes
    first. *declared* is the value of the page's ``lang`` attribute.
    """
    found = detect_language(text[:_SAMPLE_CHARACTERS])
    if found.language is not None and found.confidence >= _MIN_CONFIDENCE:
        return _shortest_tag(found.language)
    declared = declared.strip()
    return declared if _TAG.fullmatch(declared) else ""


def _shortest_tag(code: str) -> str:
    """Return an ISO 639-3 code as BCP 47 has it: with two letters, if there are such."""
    # Imported here, because only the process that extracts needs it.
    from babel.core import get_global

    alias: str = get_global("language_aliases").get(code, code)
    return alias
