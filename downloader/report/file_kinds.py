"""The kind of file that a record is about, by which page weight is reported."""

from downloader.models.url_record import Record
from downloader.web.file_kinds import FileKind, kind_of_type, specific_media_type


def media_type_of(record: Record) -> str:
    """Return the media type of a file, also where its name alone tells it."""
    return specific_media_type(record.content_type, record.path or "")


def kind_of(record: Record) -> FileKind:
    """Return the kind by the content type or, if that says nothing, by the file's name."""
    return kind_of_type(media_type_of(record))
