"""The JSON Schema of reports, made from the declaration of the record's fields.

``record.schema.json`` beside this module is a copy for other programs; to refresh it::

    python -m downloader.report.json_schema > downloader/report/record.schema.json
"""

import json
import sys

from downloader.models.changes import ChangeKind
from downloader.models.field_declarations import RecordField, ValueType
from downloader.models.url_record import RECORD_FIELDS, Result

#: Names this version of the schema; changed when a field is removed or gets another meaning.
SCHEMA_ID = "urn:download:record:1"

_Schema = dict[str, object]

_TYPE_NAMES = {
    ValueType.TEXT: "string",
    ValueType.TIMESTAMP: "string",
    ValueType.TEXT_LIST: "array",
    ValueType.INTEGER: "integer",
    ValueType.FLOAT: "number",
    ValueType.BOOLEAN: "boolean",
}
_COUNT: _Schema = {"type": "integer", "minimum": 0}


def schema() -> str:
    """Return the JSON Schema (draft 2020-12) of one record, and of a whole JSON report."""
    return json.dumps(_schema(), indent=2) + "\n"


def _schema() -> _Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "A record of a report of download",
        "description": "One line of a JSONL report. A whole JSON report is $defs/report.",
        "$ref": "#/$defs/record",
        "$defs": {
            "record": _record(),
            "run": _object(_run()),
            "report": _object(
                {
                    "schema": {"const": SCHEMA_ID},
                    "records": {"type": "array", "items": {"$ref": "#/$defs/record"}},
                    "run": {"$ref": "#/$defs/run"},
                }
            ),
        },
    }


def _record() -> _Schema:
    """Return the schema of a record, which has ``columns`` only if its line has any."""
    record = _object({each.name: _field(each) for each in RECORD_FIELDS})
    columns: _Schema = {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        "description": "the other columns of the line in the list",
    }
    return {**record, "properties": {**record["properties"], "columns": columns}}  # type: ignore[dict-item]


def _object(properties: dict[str, _Schema]) -> _Schema:
    """Return the schema of an object that has just these members."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _field(field: RecordField) -> _Schema:
    schema: _Schema = {}
    if field.choices is not None:
        schema["enum"] = [*map(str, field.choices), *([None] if field.nullable else [])]
    else:
        name = _TYPE_NAMES[field.value_type]
        schema["type"] = [name, "null"] if field.nullable else name
    if field.value_type is ValueType.TEXT_LIST:
        schema["items"] = {"type": "string"}
    if field.value_type in (ValueType.INTEGER, ValueType.FLOAT):
        schema["minimum"] = 0
    if field.value_type is ValueType.TIMESTAMP:
        schema["format"] = "date-time"
    if field.info.maximum is not None:
        schema["maximum"] = field.info.maximum
    if field.info.pattern is not None:
        schema["pattern"] = field.info.pattern
    schema["description"] = field.plain_description
    return schema


def _run() -> dict[str, _Schema]:
    """Return the members that :meth:`~downloader.report.run_record.RunRecord.as_dict` writes."""
    return {
        "program": {"const": "download"},
        "version": {"type": "string"},
        "started": {"type": "string", "description": "UTC, as RFC 3339 writes it"},
        "seconds": {"type": "number", "minimum": 0},
        "complete": {
            "type": "boolean",
            "description": "false when the run was stopped before its end: the last record says "
            "what was not tried",
        },
        "urls": _COUNT,
        **{each.value: _COUNT for each in Result if each is not Result.NOT_TRIED},
        "wire_bytes": {**_COUNT, "description": "of all bodies, as received"},
        "decoded_bytes": {
            **_COUNT,
            "description": "of all bodies, after the content coding was undone",
        },
        "comparison": {
            "anyOf": [{"type": "null"}, _object(_comparison())],
            "description": "with an earlier report, by --compare",
        },
    }


def _comparison() -> dict[str, _Schema]:
    texts: _Schema = {"type": "array", "items": {"type": "string"}}
    return {
        "since": {"type": "string", "description": "the file of the earlier report"},
        "counts": {
            "type": "object",
            "propertyNames": {"enum": [*ChangeKind]},
            "additionalProperties": _COUNT,
            "description": "URLs by kind of change",
        },
        "gone": {**texts, "description": "URLs that only the earlier report has, the first 200"},
        "reservations": {**texts, "description": "what cannot be told, because a run was stopped"},
    }


if __name__ == "__main__":
    sys.stdout.write(schema())
