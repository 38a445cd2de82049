"""Lines of lists, validated: each becomes a target, or the failure of the line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from downloader.errors import BadUrlError, UrlError
from downloader.models import ColumnValue, Failed, InputLine, Request, Target
from downloader.models.checksums import parse_checksum
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url

#: A line of a list: a target, or the failure of a line that is none.
Entry = Target | Failed

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\t -~\x80-\U0010FFFF]*)")


@dataclass(slots=True)
class ListLine:
    """One line of a list, not yet validated.

    Attributes:
        origin: where it was read, such as ``sites.txt:3``.
        text: the URL, as written.
        name: the file name for it, or None.
        checksum: the expected checksum, as written, or None.
        headers: request header fields, written ``Name: value``.
        method: of the request, as written, or None.
        body: of the request, or None.
        error: what the parser of the list found wrong with the line.
        columns: its other columns, for reports.
        home: the URL that the user named, if the line is of a list on the network.
    """

    origin: str
    text: str
    name: str | None = None
    checksum: str | None = None
    headers: list[str] = field(default_factory=list)
    method: str | None = None
    body: str | None = None
    error: UrlError | None = None
    home: Url | None = None
    columns: tuple[tuple[str, ColumnValue], ...] = ()


def from_line(
    line: ListLine,
    index: int,
    default: Request | None = None,
    *,
    keeps_input: bool = False,
    is_archived: bool = False,
) -> Entry:
    """Return the target that a line stands for, or what is wrong with the line.

    Args:
        line: the line.
        index: its position in the list.
        default: the request for a line that names neither method nor body.
        keeps_input: whether the outcome is to have the line as it was written.
        is_archived: whether an archive has the line, and not the user. Only a user may name the
            zone of an address.
    """
    source_line = _input_line(line) if keeps_input else None
    try:
        if line.error is not None:
            raise line.error
        return Target(
            url=urls.parse(line.text, zones=line.home is None and not is_archived),
            index=index,
            origin=line.origin,
            name=line.name or None,
            checksum=parse_checksum(line.checksum) if line.checksum else None,
            headers=tuple(map(parse_header, line.headers)),
            root=line.home,
            source_line=source_line,
            request=(
                default
                if line.method is None and line.body is None
                else _request_of(line.method, line.body, default)
            ),
        )
    except UrlError as error:
        return Failed(
            index=index,
            origin=line.origin,
            url=urls.redact_text(line.text),
            kind=error.kind,
            message=error.message,
            hint=error.hint,
            source_line=source_line,
        )


def _input_line(line: ListLine) -> InputLine:
    """Return a line as it was written, so that a report can be joined to its list.

    Only an address with a password is changed.
    """
    number = line.origin.rpartition(":")[2]
    text = urls.redact_text(line.text) if _may_have_password(line.text) else line.text
    return InputLine(text, int(number) if number.isdecimal() else None, line.columns)


def _may_have_password(address: str) -> bool:
    if "@" not in address:
        return False
    try:
        url = urls.parse(address)
    except UrlError:
        return True
    return urls.redact(url) != url


def _request_of(method: str | None, body: str | None, default: Request | None) -> Request | None:
    """Return the request of a line; None for a GET without a body.

    A line with a method of its own does not get the body of *default*.

    Raises:
        BadUrlError: there is no such method, or the body is no text.
    """
    data = default.body if default is not None and method is None else None
    try:
        if body is not None:
            data = body.encode()
        return Request.of(method or (default.method if default is not None else None), data)
    except UnicodeEncodeError:
        raise BadUrlError("the body of the request is not valid text") from None
    except ValueError as error:
        raise BadUrlError(printable(str(error))) from None


def from_items(
    items: Iterable[str | Entry], default: Request | None = None, *, keeps_input: bool = False
) -> Iterator[Entry]:
    """Yield targets for the URLs or targets that a program passes, numbered from 0.

    A :class:`Target` keeps all but its ``index``; one without a request of its own gets *default*.
    The failure of a line, as lists have them, is passed on.
    """
    for index, item in enumerate(items):
        if isinstance(item, Failed):
            yield replace(item, index=index)
        elif isinstance(item, Target):
            yield Target(
                url=item.url,
                index=index,
                origin=item.origin or f"#{index + 1}",
                name=item.name,
                checksum=item.checksum,
                headers=item.headers,
                source_line=item.source_line,
                request=(
                    default
                    if item.request is None
                    else Request.of(item.request.method, item.request.body)
                ),
            )
        else:
            line = ListLine(f"#{index + 1}", item.strip())
            yield from_line(line, index, default, keeps_input=keeps_input)


def from_archive(addresses: Iterable[tuple[str, str]]) -> Iterator[Entry]:
    """Yield targets for pairs of origin and URL that an archive holds, numbered from 0."""
    for index, (origin, address) in enumerate(addresses):
        yield from_line(ListLine(origin, address), index, is_archived=True)


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of a header field written ``Name: value``.

    Raises:
        BadUrlError: it is not a header field (RFC 9110, section 5).
    """
    match = _HEADER.fullmatch(text.strip())
    if match is None:
        # Only the first word is quoted, because the rest may be a secret.
        shown = printable(text.split(maxsplit=1)[0][:40]) if text.strip() else ""
        raise BadUrlError(f"not a header field: {shown!r}", hint="write Name: value")
    return match[1], match[2]
