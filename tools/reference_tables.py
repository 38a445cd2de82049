"""Refresh what is generated from the code: the JSON Schema of reports, and tables of the docs.

python -m tools.reference_tables
"""

from pathlib import Path

from downloader.models.field_declarations import RecordField
from downloader.models.url_record import RECORD_FIELDS
from downloader.report.formats import FORMATS
from downloader.report.json_schema import schema
from downloader.sources.formats import FORMATS as LIST_FORMATS

ROOT = Path(__file__).parents[1]
_SCHEMA = ROOT / "downloader" / "report" / "record.schema.json"
_REPORTS_PAGE = ROOT / "docs" / "reference" / "reports.md"
_LISTS_PAGE = ROOT / "docs" / "reference" / "list-formats.md"


def main() -> None:
    """Write the generated files."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


def generated() -> dict[Path, str]:
    """Return the files that hold something generated, and what they are to hold."""
    reports = _REPORTS_PAGE.read_text(encoding="utf-8")
    reports = _with_table(reports, "ending", _format_rows())
    reports = _with_table(reports, "field", _field_rows())
    lists = _LISTS_PAGE.read_text(encoding="utf-8")
    lists = _with_table(lists, "format", _list_format_rows())
    return {_SCHEMA: schema(), _REPORTS_PAGE: reports, _LISTS_PAGE: lists}


def _with_table(text: str, first_heading: str, rows: list[str]) -> str:
    """Return *text* with the rows of the table that begins with this heading replaced."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first_heading} |")) + 2
    end = next(at for at in range(start, len(lines)) if not lines[at].startswith("|"))
    return "\n".join([*lines[:start], *rows, *lines[end:]]) + "\n"


def _format_rows() -> list[str]:
    return [f"| `{each.ending}` | {each.description} |" for each in FORMATS.values()]


def _list_format_rows() -> list[str]:
    return [f"| {each.name} | {each.description} |" for each in LIST_FORMATS]


def _field_rows() -> list[str]:
    return [f"| `{field.name}` | {_described(field)} |" for field in RECORD_FIELDS]


def _described(field: RecordField) -> str:
    description = field.info.description
    if field.choices is None or "](" in description:
        return description
    *others, last = (f"`{choice}`" for choice in field.choices)
    return f"{description} ({', '.join(others)} or {last})"


if __name__ == "__main__":
    main()
