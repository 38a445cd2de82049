"""Tables for a terminal."""

from collections.abc import Iterable, Sequence


def table_lines(
    headings: Sequence[str], rows: Iterable[Sequence[str]], alignments: str, colour: bool
) -> list[str]:
    """Return an empty line and the lines of a table.

    Args:
        headings: of the columns.
        rows: below them.
        alignments: ``<`` or ``>`` for each column.
        colour: whether headings are bold.
    """
    table = [headings, *rows]
    # The last column is not padded, because URLs may be long.
    widths = [max(len(row[at]) for row in table) for at in range(len(headings) - 1)] + [0]
    lines = [
        "  ".join(
            f"{cell:{alignment}{width}}"
            for cell, alignment, width in zip(row, alignments, widths, strict=True)
        )
        for row in table
    ]
    lines[0] = f"\x1b[1m{lines[0]}\x1b[0m" if colour else lines[0]
    return ["", *lines]
