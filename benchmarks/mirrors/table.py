"""The comparisons as Markdown tables."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.mirrors.model import Attempt, Comparison, Total, total

HEADINGS = (
    *("site", "tool", "pages", "loaded", "failed", "same", "local", "web", "dead"),
    *("CPU", "time"),
)
LEGEND = """\
- **pages**: pages that were found in the folder, of those in the list.
- **loaded**: resources that pages load offline, of those that they load online.
- **failed**: requests that fail, or that lead out of the folder and are blocked. Some fail online.
- **same**: pages whose screenshot is the same as online, to the pixel.
- **local**, **web**, **dead**: links (`a[href]`) to files of the folder, to absolute URLs, and to
  files that do not exist.
- **CPU**, **time**: seconds that the tool took.
"""


def markdown(comparisons: Sequence[Comparison]) -> str:
    """Return both tables, with the meaning of their columns."""
    rows = [row for comparison in comparisons for row in rows_of(comparison)]
    served = [*table(HEADINGS, rows)]
    opened = [*table(*by_file(comparisons))]
    parts = [
        LEGEND,
        "Over a static server:",
        "",
        *served,
        "",
        "From `file:`, and by `download serve`, resources loaded, and pages that look the same:",
        "",
    ]
    return "\n".join([*parts, *opened, ""])


def rows_of(comparison: Comparison) -> Iterator[Sequence[str]]:
    """Yield a row for the site online, and a row for each tool."""
    steady = comparison.pages - comparison.unsteady
    yield (
        comparison.site,
        "(online)",
        str(comparison.pages),
        str(comparison.resources),
        str(comparison.failed),
        of(steady, comparison.pages),
        str(comparison.links),
        *("", "", "", ""),
    )
    for attempt in comparison.attempts:
        yield ("", attempt.tool, *figures(total(attempt.http)), *times(attempt))


def figures(sums: Total) -> tuple[str, ...]:
    """Return the cells from pages to dead."""
    return (
        of(sums.found, sums.pages),
        of(sums.loaded, sums.resources),
        str(sums.failed),
        of(sums.identical, sums.pages),
        str(sums.local),
        str(sums.absolute),
        str(sums.dangling),
    )


def times(attempt: Attempt) -> tuple[str, str]:
    """Return the cells of CPU and wall time."""
    wall = f"> {attempt.seconds:.0f}" if attempt.capped else f"{attempt.seconds:.1f}"
    return f"{attempt.cpu:.2f}", wall


def by_file(comparisons: Iterable[Comparison]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the header and the rows of the table about `file:`, with a column for each tool.

    A mirror that was also opened by ``download serve`` has a second column.
    """
    tools: dict[str, None] = {}
    rows: list[Sequence[str]] = []
    for comparison in comparisons:
        cells = []
        for attempt in comparison.attempts:
            for name, verdicts in (
                (attempt.tool, attempt.file),
                (f"{attempt.tool} serve", attempt.serve),
            ):
                if verdicts:
                    tools[name] = None
                    cells.append(loaded_and_same(total(verdicts)))
        rows.append((comparison.site, *cells))
    return ("site", *tools), rows


def loaded_and_same(sums: Total) -> str:
    """Return the resources loaded and the pages that look the same, as text."""
    return f"{of(sums.loaded, sums.resources)}, {of(sums.identical, sums.pages)}"


def of(part: int, whole: int) -> str:
    """Return a fraction as text."""
    return f"{part}/{whole}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table with aligned columns."""
    all_rows = [head, *rows]
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(head))]
    text_columns = 2 if head[1:2] == ("tool",) else 1

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if column < text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    yield line(head)
    rules = [
        "-" * width if column < text_columns else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    yield f"| {' | '.join(rules)} |"
    yield from map(line, all_rows[1:])
