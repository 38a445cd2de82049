"""The columns of a list that say how its URLs are requested: ``method``, ``headers``, ``body``.

Tables with a column ``body`` or ``headers`` that means something else are common: the text of an
article, or what a crawler received. So these two count only beside ``method``.
"""

import json
from collections.abc import Collection

from downloader.errors import BadUrlError
from downloader.sources.entries import ListLine
from downloader.web.text import printable

METHOD, HEADERS, BODY = "method", "headers", "body"
#: The column of reports that describes a request, but for its body.
REQUEST = "request"
_HINT = 'write Name: value, or {"Name": "value"}'
_LINE_BREAKS = frozenset("\r\n\0")


def ignored_columns(names: Collection[str]) -> str:
    """Return a note about columns that do not count, because there is none for the method."""
    ignored = [name for name in (HEADERS, BODY) if name in names]
    if METHOD in names or not ignored:
        return ""
    return f"{' and '.join(ignored)} not sent; a column method makes them parts of requests"


def set_request(line: ListLine, method: object, headers: object, body: object) -> None:
    """Set the parts of a line's request; what is wrong with them becomes the line's error.

    Args:
        line: the line; an error that it has is kept.
        method: a text, or None.
        headers: see :func:`_header_texts`.
        body: a text, or None.
    """
    try:
        if not isinstance(method, str | None) or not isinstance(body, str | None):
            raise BadUrlError("method and body must be strings")
        line.headers += _header_texts(headers)
    except BadUrlError as error:
        line.error = line.error or error
        return
    line.method, line.body = method or None, body


def refuse_request(line: ListLine, request: object) -> None:
    """Refuse a line of a report whose request was no plain GET: the report has no body of it."""
    if request:
        method = printable(str(request)[:40].partition(" ")[0])
        line.error = line.error or BadUrlError(
            f"a report does not hold the body of its {method}",
            hint="use the list that the report is about",
        )


def _header_texts(headers: object) -> list[str]:
    """Return header fields, each as ``Name: value``.

    Args:
        headers: one such text; a list of them; an object of names and values, each a text or a
            list of texts; JSON of a list or an object; or None.

    Raises:
        BadUrlError: it is none of these, or has a line break.
    """
    if isinstance(headers, str) and headers.startswith(("{", "[")):
        try:
            headers = json.loads(headers)
        except (ValueError, RecursionError):
            raise BadUrlError("headers are not valid JSON", hint=_HINT) from None
    texts: list[object] = []
    match headers:
        case None | "":
            return []
        case dict():
            for name, values in headers.items():
                if ":" in name:
                    raise BadUrlError("not the name of a header", hint=_HINT)
                several = values if isinstance(values, list) else [values]
                texts += [
                    f"{name}: {value}" if isinstance(value, str) else None for value in several
                ]
        case list():
            texts += headers
        case _:
            texts.append(headers)
    fields: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            raise BadUrlError("the value of a header must be a string", hint=_HINT)
        if not _LINE_BREAKS.isdisjoint(text):
            raise BadUrlError("a header with a line break")
        fields.append(text)
    return fields
