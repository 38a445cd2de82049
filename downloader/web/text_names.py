"""Names of the files with a page's text, beside the page: ``a.html.txt`` and ``a.html.md``.

No other URL has such a name in a run that extracts texts: see :func:`is_text_name`.
"""

import re
from enum import StrEnum

from downloader.web.filenames import ExtensionRule, FileName, SafePath


class TextFormat(StrEnum):
    """Formats that the main content of a page is extracted in."""

    TEXT = "text"
    MARKDOWN = "markdown"


#: What is appended to the name of a page.
_SUFFIXES = {TextFormat.TEXT: ".txt", TextFormat.MARKDOWN: ".md"}
#: What is appended before, if a list has given a page a name without the extension of pages: so the
#: texts of ``a`` and of ``a.html`` differ, and both can be told from other files.
_NAMELESS_PAGE = ".page"
_PAGE_NAME = re.compile(r"\.(?:html|htm|shtml|xhtml)\Z", re.IGNORECASE)
_TEXT_NAME = re.compile(r"\.(?:html|htm|shtml|xhtml|page)\.(?:txt|md)\Z", re.IGNORECASE)


def text_path(page: SafePath, text_format: TextFormat) -> SafePath:
    """Return the path of the text of a saved page; every page has another one.

    Example:
        >>> text_path(SafePath("h/index.html"), TextFormat.MARKDOWN)
        'h/index.html.md'
    """
    is_named = _PAGE_NAME.search(page) is not None
    return SafePath(f"{page}{'' if is_named else _NAMELESS_PAGE}{_SUFFIXES[text_format]}")


def is_text_name(name: FileName) -> bool:
    """Return whether a file of this name might have the path of a page's text."""
    # Of the extensions that a type may add, only those of ALWAYS include that of texts.
    is_extended = name.extension_rule is ExtensionRule.ALWAYS
    path = f"{name.base}{_SUFFIXES[TextFormat.TEXT]}" if is_extended else name.base
    return _TEXT_NAME.search(path) is not None
