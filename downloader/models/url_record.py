"""The record of one URL: the fields that every report has.

:class:`Record` declares each field once, with its type, its description and the attribute of an
outcome that holds its value. The conversion of outcomes, the JSON Schema, the columns of CSV and
Parquet, the checks of the reader and the table in docs/reference/reports.md follow from that
declaration. To report one more attribute of an outcome, add one field here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Annotated

from downloader.errors import ErrorKind
from downloader.models import ColumnValue, SkipReason
from downloader.models.changes import ChangeKind
from downloader.models.field_declarations import FieldInfo, Value, declared_fields
from downloader.web.charset import CharsetSource
from downloader.web.urls import Url, host

#: Values of JSON objects.
PlainValue = str | int | float | bool | list[str] | dict[str, ColumnValue] | None
#: Names and values of columns.
Columns = tuple[tuple[str, ColumnValue], ...]

_SHA256 = "^[0-9a-f]{64}$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"


class Result(StrEnum):
    """The result of one line of the list."""

    DOWNLOADED = "downloaded"
    MEASURED = "measured"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The fields that a report has of one URL; None is what is unknown, or was not sent."""

    url: Annotated[
        str,
        FieldInfo(
            "the requested URL, without password; the text of a line that is no URL; "
            "empty only for `not-tried`"
        ),
    ]
    outcome: Annotated[Result, FieldInfo("the result; `measured` is a download with `--no-save`")]
    kind: Annotated[ErrorKind | None, FieldInfo("of a failure: its [kind](failures.md)")] = None
    message: Annotated[
        str | None,
        FieldInfo(
            "of a failure, a skipped line or `not-tried`: one line for a person; of a download: "
            "what was wrong with the response and was ignored",
            sources=("message", "detail", "note"),
        ),
    ] = None
    hint: Annotated[str | None, FieldInfo("of a failure: what to do about it")] = None
    reason: Annotated[SkipReason | None, FieldInfo("of a skipped line: why it was skipped")] = None
    origin: Annotated[str | None, FieldInfo("where the line was read, such as `sites.txt:3`")] = (
        None
    )
    input: Annotated[
        str | None,
        FieldInfo(
            "the address as it is written in the list, but for spaces around it and a password; "
            "none for a link",
            sources=("source_line.text",),
        ),
    ] = None
    line: Annotated[
        int | None,
        FieldInfo(
            "number of the line, the row or the item in the list, from 1",
            sources=("source_line.number",),
        ),
    ] = None
    index: Annotated[int | None, FieldInfo("position of the line in all lists, from 0")] = None
    parent: Annotated[
        str | None, FieldInfo("URL of the page that links to it; none for a line of a list")
    ] = None
    request: Annotated[
        str | None,
        FieldInfo(
            "the method and a hash of the body, such as `POST 0f34…`; none for a GET without a body"
        ),
    ] = None
    final_url: Annotated[str | None, FieldInfo("the URL that answered, after redirects")] = None
    redirects: Annotated[
        tuple[str, ...],
        FieldInfo("the URLs that answered with a redirect, in order; separated by spaces in CSV"),
    ] = ()
    status: Annotated[int | None, FieldInfo("HTTP status of the last response", maximum=999)] = None
    http_version: Annotated[str | None, FieldInfo("such as `1.1`; or `2`")] = None
    content_type: Annotated[
        str | None,
        FieldInfo(
            "media type without parameters, in lower case; what the first bytes say if the server "
            "names none",
            sources=("media_type",),
        ),
    ] = None
    content_coding: Annotated[str | None, FieldInfo("as sent, such as `gzip`")] = None
    title: Annotated[
        str | None, FieldInfo("of an HTML page: its title", sources=("title", "page.title"))
    ] = None
    path: Annotated[
        str | None, FieldInfo("the saved file, relative to the output folder, separated by `/`")
    ] = None
    header_bytes: Annotated[
        int | None,
        FieldInfo(
            "bytes of the last response's head, as HTTP/1.1 writes it; over HTTP/2, compressed"
        ),
    ] = None
    wire_bytes: Annotated[
        int | None,
        FieldInfo(
            "bytes of the body as received: before the content coding was undone, without the "
            "framing of chunks",
            sources=("sizes.wire", "wire_bytes"),
        ),
    ] = None
    decoded_bytes: Annotated[
        int | None,
        FieldInfo(
            "bytes of the body after the content coding was undone: the size of the file",
            sources=("sizes.saved", "size"),
        ),
    ] = None
    characters: Annotated[
        int | None,
        FieldInfo("of text: its length in characters", sources=("sizes.characters", "characters")),
    ] = None
    charset: Annotated[
        str | None,
        FieldInfo("of text: its encoding, by its WHATWG name", sources=("sizes.charset",)),
    ] = None
    charset_source: Annotated[
        CharsetSource | None,
        FieldInfo("of text: how its encoding was found", sources=("sizes.charset_source",)),
    ] = None
    length_verified: Annotated[
        bool | None,
        FieldInfo("false when only the end of the connection marked the end of the body"),
    ] = None
    sha256: Annotated[
        str | None, FieldInfo("SHA-256 of the decoded bytes, in hex", pattern=_SHA256)
    ] = None
    same_as: Annotated[
        str | None,
        FieldInfo(
            "the URL of the same page, as `/` for `/index.html` with the same content: its size is "
            "counted there"
        ),
    ] = None
    change: Annotated[
        ChangeKind | None,
        FieldInfo("with `--compare`: how it differs from the earlier report; `gone` has no record"),
    ] = None
    changed: Annotated[
        tuple[str, ...],
        FieldInfo(
            "of a `changed` URL: `size`, `bytes`, `type`, `title`, `status` and `redirect`, as far "
            "as they are others; separated by spaces in CSV"
        ),
    ] = ()
    etag: Annotated[str | None, FieldInfo("the `ETag` field, as sent")] = None
    last_modified: Annotated[str | None, FieldInfo("the `Last-Modified` field, as sent")] = None
    attempts: Annotated[int | None, FieldInfo("number of attempts")] = None
    resumed_at_bytes: Annotated[
        int | None,
        FieldInfo(
            "bytes kept from an earlier attempt, which this one continued", sources=("resumed_at",)
        ),
    ] = None
    started: Annotated[
        str | None,
        FieldInfo(
            "when the first request was made: UTC, as RFC 3339 writes it, with milliseconds",
            pattern=_TIMESTAMP,
            is_timestamp=True,
        ),
    ] = None
    seconds: Annotated[
        float | None, FieldInfo("from `started` to the end, waits and all attempts included")
    ] = None
    dns_seconds: Annotated[
        float | None,
        FieldInfo(
            "of the last request: the lookup of the host's addresses; none when they were known",
            sources=("timings.dns",),
        ),
    ] = None
    connect_seconds: Annotated[
        float | None,
        FieldInfo(
            "of the last request: the time to connect, with the wait for another request's lookup "
            "of the same host; none when a connection was reused",
            sources=("timings.connect",),
        ),
    ] = None
    tls_seconds: Annotated[
        float | None,
        FieldInfo(
            "of the last request: the TLS handshake; none without TLS or when a connection was "
            "reused",
            sources=("timings.tls",),
        ),
    ] = None
    first_byte_seconds: Annotated[
        float | None,
        FieldInfo(
            "of the last request: from the connection being ready to the end of the response's "
            "head",
            sources=("timings.first_byte",),
        ),
    ] = None
    transfer_seconds: Annotated[
        float | None,
        FieldInfo(
            "of the last request: from the end of the head until the body was received and saved",
            sources=("timings.transfer",),
        ),
    ] = None
    language: Annotated[
        str | None,
        FieldInfo(
            "of a page, with `--extract`: the language of its text, such as `en`",
            sources=("page.language",),
        ),
    ] = None
    text: Annotated[
        str | None,
        FieldInfo(
            "of a page, with `--extract text`: its main content as plain text; not in CSV",
            sources=("page.text",),
            is_long=True,
        ),
    ] = None
    markdown: Annotated[
        str | None,
        FieldInfo(
            "of a page, with `--extract markdown`: its main content as Markdown; not in CSV",
            sources=("page.markdown",),
            is_long=True,
        ),
    ] = None
    near_duplicate_of: Annotated[
        str | None,
        FieldInfo(
            "of a page, with `--near-duplicates`: the URL of an earlier page with nearly the same "
            "text",
            sources=("page.near_duplicate_of",),
        ),
    ] = None

    #: The other columns of the line in the list: names and values.
    columns: Columns = ()

    @property
    def host(self) -> str:
        """The host, with its port where that is not the scheme's own; empty if there is none."""
        return host(Url(self.url)) if self.url.startswith(("http://", "https://")) else ""


#: The declarations of all fields, in their order, which is that of the columns of CSV.
RECORD_FIELDS = declared_fields(Record)
#: The names of all fields, in that order.
FIELD_NAMES = tuple(each.name for each in RECORD_FIELDS)
#: The fields that a record may be without.
OPTIONAL_FIELDS = tuple(each for each in RECORD_FIELDS if each.name not in ("url", "outcome"))
_all: Callable[[Record], tuple[Value, ...]] = attrgetter(*FIELD_NAMES)


def values(record: Record) -> tuple[Value, ...]:
    """Return the values of all fields, in their order."""
    return _all(record)


def as_dict(record: Record) -> Mapping[str, Value | dict[str, ColumnValue]]:
    """Return the record as JSON writes it; it has ``columns`` only if the line has any."""
    members: dict[str, Value | dict[str, ColumnValue]] = dict(
        zip(FIELD_NAMES, _all(record), strict=True)
    )
    if record.columns:
        members["columns"] = dict(record.columns)
    return members


def plain_dict(record: Record) -> dict[str, PlainValue]:
    """Return the record as JSON would be read: closed sets are texts, and tuples are lists."""
    members: dict[str, PlainValue] = {}
    for name, value in as_dict(record).items():
        if isinstance(value, tuple):
            members[name] = list(value)
        else:
            members[name] = str(value) if isinstance(value, StrEnum) else value
    return members


def from_dict(members: Mapping[object, object], names: Collection[str] | None = None) -> Record:
    """Return the record that a JSON object holds; invalid values count as unknown.

    Args:
        members: of the object.
        names: the fields to read besides ``url`` and ``outcome``; all unless given.

    Raises:
        ValueError: it has no ``url``, or no ``outcome`` that is known.
    """
    url, outcome = members.get("url"), members.get("outcome")
    if not isinstance(url, str) or not isinstance(outcome, str):
        raise ValueError("url and outcome are needed")
    known = {
        each.name: each.parse(members.get(each.name))
        for each in OPTIONAL_FIELDS
        if names is None or each.name in names
    }
    # parse() returns values of the field's own type.
    columns = _columns(members.get("columns"))
    return Record(url=url, outcome=Result(outcome), columns=columns, **known)  # type: ignore[arg-type]


def _columns(members: object) -> Columns:
    """Return the columns that a JSON object holds; what is no scalar is left out."""
    if not isinstance(members, dict):
        return ()
    return tuple(
        (str(name), value)
        for name, value in members.items()
        if value is None or isinstance(value, str | int | float | bool)
    )
