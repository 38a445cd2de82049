"""The formats of lists: one module each, and their registry, :data:`FORMATS`.

A new format takes a module with a function ``parse`` (see :data:`Parse`), and one entry in the
registry. Help, messages and the reading of lists follow. The registry loads no format module until
a list in that format is read.
"""

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that help can name the formats without loading the parts of lists
    from downloader.sources.entries import ListLine
    from downloader.sources.list_input import ListInput, NestedList

    #: Yields the lines of a list, and the lists that it names. Raises SourceError if the list is
    #: not in the format, after what could be read.
    Parse = Callable[[ListInput], Iterator[ListLine | NestedList]]


@dataclass(frozen=True, slots=True)
class ListFormat:
    """A format of lists.

    Attributes:
        name: in help, documentation and messages.
        module: in this package.
        description: what a list in this format holds, for the documentation; Markdown.
        extensions: of file names, without dots.
        magic: the first bytes of binary files in this format.
        signature: a regular expression for the first lines, in lower case, of every list in this
            format and of no other; it is stronger than the file's name.
        likely_first_line: the same for what lists in this format usually begin with; it decides if
            the file's name does not.
    """

    name: str
    module: str
    description: str
    extensions: tuple[str, ...] = ()
    magic: tuple[bytes, ...] = ()
    signature: str = ""
    likely_first_line: str = ""

    @property
    def is_binary(self) -> bool:
        """Whether the list is no text; it then cannot be gzipped."""
        return bool(self.magic)

    @property
    def parse(self) -> "Parse":
        """The function that parses lists in this format."""
        function: Parse = self._load().parse
        return function

    def check_requirements(self) -> None:
        """Check that the libraries that this format needs are installed.

        Raises:
            SourceError: one is missing; the message continues the name of the list.
        """
        if self.is_binary:
            self._load().check_requirements()

    def _load(self) -> ModuleType:
        return importlib.import_module(f"{__name__}.{self.module}")


#: The delimiters of tables, the more usual ones first.
DELIMITERS = (",", ";", "\t", "|")
_DELIMITER = "[,;|\\t]"
_ADDRESS = "https?://"
_CELL = r"[\w \"'.()-]*"
#: The first lines of tables: Excel's line ``sep=``; a header with a column of a known name; any
#: header above a row with an address; a row with an address in it, of which the first cell is none,
#: or is quoted. What else begins with an address is one, because it may contain delimiters.
_TABLE = "|".join(
    (
        r'"?sep=',
        rf"""(?:[\w "'-]*{_DELIMITER})*"?(?:url|link|href)"?\s*(?:{_DELIMITER}|\Z|\n)""",
        rf'{_CELL}(?:{_DELIMITER}{_CELL})+\r?\n(?:.*{_DELIMITER}\s*"?{_ADDRESS}|'
        rf'"?{_ADDRESS}.*{_DELIMITER})',
        rf'(?![\[{{<#])(?:[^,;|\t:/]*{_DELIMITER})+\s*"?{_ADDRESS}',
        rf'"{_ADDRESS}[^"]*"\s*{_DELIMITER}',
    )
)

TEXT = ListFormat(
    "text",
    "plain_text",
    "one URL per line, without a scheme for `https://`; `#` begins a comment; indented lines "
    "`out=NAME`, `checksum=sha-256=HEX` and `header=Name: value` are options of the URL above, "
    "as in aria2",
)
CSV = ListFormat(
    "CSV",
    "csv",
    "rows separated by commas, semicolons, tabs or pipes, with or without a header: a column "
    "`url`, `link` or `href`, or the one that holds addresses, perhaps also `name` and `sha256`",
    extensions=("csv",),
    likely_first_line=_TABLE,
)
HTML = ListFormat(
    "HTML",
    "html",
    "the links of a page (`<a href>`), such as the bookmarks that a browser has exported",
    extensions=("html", "htm", "xhtml"),
    signature=r"(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+(?:html|netscape)|html\b)",
    likely_first_line=r"<(?!https?:|url:)[a-z!]",
)
#: Every format, in the order in which they are tried; a list that fits none is text.
FORMATS = (
    TEXT,
    CSV,
    ListFormat(
        "TSV",
        "tsv",
        "the same, with tabs",
        extensions=("tsv", "tab"),
    ),
    ListFormat(
        "JSON",
        "json",
        "an array of strings, or of objects with a member like the column of a table; or an object "
        "with such an array: `items` (JSON Feed), `records` (reports), `urls`, `links`, `results` "
        "or `data`",
        extensions=("json",),
        signature=r'\{"schema": ?"[^"]*", ?"records"',
        likely_first_line=r'\[\s*(?:["{]|\Z)|\{\s*(?:\Z|"(?:schema|version|items|urls)")',
    ),
    ListFormat(
        "JSONL",
        "jsonl",
        "on each line such an object, perhaps with `name` and `sha256`, or a string",
        extensions=("jsonl", "ndjson"),
        likely_first_line=r'[{"]',
    ),
    ListFormat(
        "Parquet",
        "parquet",
        "a file with the same columns as CSV, of text or bytes; needs pyarrow: "
        "`pip install 'download-sites[cloud]'`",
        extensions=("parquet",),
        magic=(b"PAR1", b"PARE"),
    ),
    HTML,
    ListFormat(
        "feed",
        "xml",
        "RSS or Atom: the link of each entry, or else its permanent identifier or its enclosure",
        extensions=("rss", "atom", "rdf"),
        signature=r"<(?:rss|rdf:rdf|feed)\b",
    ),
    ListFormat(
        "sitemap",
        "xml",
        "`sitemap.xml` or a sitemap index, whose sitemaps are fetched",
        extensions=("xml",),
        signature=r"<\?xml|<(?:\w+:)?(?:urlset|sitemapindex)\b",
    ),
)


def format_names() -> str:
    """Return the names of all formats as a phrase: ``A, B or C``."""
    *others, last = (each.name for each in FORMATS)
    return f"{', '.join(others)} or {last}"


def detect_format(
    name: str, head: bytes, first_lines: str, *, has_columns: bool = False
) -> ListFormat:
    """Return the format of a list, by its beginning or its file name.

    Args:
        name: the file name.
        head: the first bytes of the list, uncompressed.
        first_lines: its first line that is not blank, perhaps with the second one.
        has_columns: whether the list is said to be a table.
    """
    extension = name.lower().rpartition(".")[2]
    first_lines = first_lines.lower()
    for each in FORMATS:
        if head.startswith(each.magic) or (
            each.signature and re.match(each.signature, first_lines)
        ):
            return each
    for each in FORMATS:
        if extension in each.extensions:
            return each
    for each in FORMATS:
        if each.likely_first_line and re.match(each.likely_first_line, first_lines):
            return each
    return CSV if has_columns and any(each in first_lines for each in DELIMITERS) else TEXT
