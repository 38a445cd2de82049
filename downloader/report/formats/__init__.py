"""The formats of reports: one module each, and their registry, :data:`FORMATS`.

A new format takes a module with a class that is a
:class:`~downloader.report.output_files.ReportFile` and is made with the path of its file, and one
line in the registry. The option ``--report``, its help, the documentation and ``merge`` follow.
"""

import importlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:  # so that help and checks of options do not load the parts of reports
    from downloader.models import LinkReport
    from downloader.report.output_files import ReportFile

#: The report that stands for JSON Lines on standard output.
STDOUT = Path("-")

#: Reads a report: its path, the open file, and the wanted fields; yields the position of each
#: record, for messages, and the value there, which may be no record.
ReadMembers = Callable[[Path, BinaryIO, Collection[str]], Iterator[tuple[str, object]]]


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A format of reports.

    Attributes:
        ending: of the names of its files.
        class_name: of the class that writes it: module and class, separated by a colon.
        description: for the documentation; Markdown.
        is_readable: whether its module has a function ``read_members``, for ``compare``.
        is_mergeable: whether that function can read every field, for ``merge``.
        needs_files: whether it is about saved files alone.
        other_name: a whole name that files of this format may have as well, or empty.
        has_links: whether its module has a function ``link_pieces``, for ``links``: it takes a
            :class:`~downloader.models.LinkReport` and yields the bytes of a file.
    """

    ending: str
    class_name: str
    description: str
    is_readable: bool = False
    is_mergeable: bool = False
    needs_files: bool = False
    other_name: str = ""
    has_links: bool = False

    def create(self, path: Path) -> "ReportFile":
        """Begin a report in this format.

        Raises:
            ReportError: it cannot be written there, or a library is missing.
        """
        module, _, name = self.class_name.partition(":")
        name = "StdoutReport" if path == STDOUT else name
        report_class: Callable[[Path], ReportFile] = getattr(_load(module), name)
        return report_class(path)

    def link_pieces(self, report: "LinkReport") -> Iterator[bytes]:
        """Yield the bytes of a report on links, whose format must have them."""
        module, _, _ = self.class_name.partition(":")
        pieces: Iterator[bytes] = _load(module).link_pieces(report)
        return pieces

    @property
    def read_members(self) -> ReadMembers:
        """The function that reads reports in this format, which must be readable."""
        module, _, _ = self.class_name.partition(":")
        function: ReadMembers = _load(module).read_members
        return function


def _load(module: str) -> ModuleType:
    # Most runs need one format or none, and some load large libraries.
    return importlib.import_module(f"downloader.report.formats.{module}")


_REGISTRY = (
    ReportFormat(
        ".jsonl",
        "jsonl:JsonlReport",
        "one JSON object per line, in pure ASCII, written as outcomes arrive",
        is_readable=True,
        is_mergeable=True,
        has_links=True,
    ),
    ReportFormat(
        ".json",
        "json:JsonReport",
        "one JSON object: `schema`, `records`, and `run`, the totals over all records",
        is_readable=True,
        is_mergeable=True,
        has_links=True,
    ),
    ReportFormat(
        ".csv", "csv:CsvReport", "a table whose first row names the columns", has_links=True
    ),
    ReportFormat(
        ".parquet",
        "parquet:ParquetReport",
        "a table with types: see [As Parquet](#as-parquet)",
        is_readable=True,
    ),
    ReportFormat(
        ".html",
        "html:HtmlReport",
        "a page for a browser: see [The page](#the-page)",
        has_links=True,
    ),
    ReportFormat(
        ".junit.xml",
        "junit:JunitReport",
        "JUnit XML, for Jenkins, GitLab and others: see [For CI systems](#for-ci-systems)",
        has_links=True,
    ),
    ReportFormat(
        ".sarif",
        "sarif:SarifReport",
        "SARIF 2.1.0, for code scanning: see [For CI systems](#for-ci-systems)",
        has_links=True,
    ),
    ReportFormat(
        ".md",
        "markdown:MarkdownReport",
        "a short summary in Markdown: see [For CI systems](#for-ci-systems)",
        has_links=True,
    ),
    ReportFormat(
        ".sha256",
        "checksums:ChecksumReport",
        "or the name `SHA256SUMS`: the hash and the name of each saved file, for `sha256sum -c`: "
        "see [Checksums](#checksums)",
        needs_files=True,
        other_name="SHA256SUMS",
    ),
)
#: All formats, by the ending of their files.
FORMATS: Mapping[str, ReportFormat] = {each.ending: each for each in _REGISTRY}
_OTHER_NAMES = {each.other_name: each for each in _REGISTRY if each.other_name}


def format_of(path: Path) -> ReportFormat | None:
    """Return the format that a file's name or its ending says; None if there is none."""
    if path == STDOUT:
        return FORMATS[".jsonl"]
    suffixes = [suffix.lower() for suffix in path.suffixes]
    # An ending may have two parts, such as ".junit.xml".
    return (
        FORMATS.get("".join(suffixes[-2:]))
        or FORMATS.get("".join(suffixes[-1:]))
        or _OTHER_NAMES.get(path.name)
    )


def holds_texts(path: Path) -> bool:
    """Return whether a report at *path* is one for programs, which holds the texts of pages."""
    report_format = format_of(path)
    return report_format is not None and report_format.is_readable


def endings(formats: Collection[ReportFormat] = _REGISTRY) -> str:
    """Return the endings of *formats* as words, such as ``.jsonl, .json or .csv``."""
    *others, last = (each.ending for each in formats)
    return f"{', '.join(others)} or {last}" if others else last
