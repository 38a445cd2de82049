"""Plain text: an address a line, and below it options in the form of aria2."""

import re
from collections.abc import Iterator

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.line_reader import TOO_LONG, Numbered

_OPTION = re.compile(r"\s+([a-z][a-z0-9-]*)=(.*)")


def parse_text(lines: Iterator[Numbered], shown: str) -> Iterator[ListLine]:
    """Yield one address a line; indented ``key=value`` lines below it are its options.

    Raises:
        SourceError: *lines* raised it; what came before was yielded.
    """
    current: ListLine | None = None
    try:
        for number, text, whole in lines:
            origin, said = f"{shown}:{number}", text.strip()
            if not said or said.startswith("#"):
                continue
            option = _OPTION.fullmatch(text)
            if option is None:
                if current is not None:
                    yield current
                current = ListLine(origin, said, error=None if whole else BadUrlError(TOO_LONG))
            elif current is None:
                yield ListLine(origin, said, error=BadUrlError("an option without an address"))
            else:
                _set_option(current, option[1], option[2].strip(), origin)
                if not whole:
                    current.error = BadUrlError(TOO_LONG)
    except SourceError:
        # What the readable part says still holds, its last line too.
        if current is not None:
            yield current
        raise
    if current is not None:
        yield current


def _set_option(line: ListLine, key: str, value: str, origin: str) -> None:
    match key:
        case "out":
            line.name = value
        case "checksum":
            line.checksum = value
        case "header":
            line.headers.append(value)
        case _:
            line.error = BadUrlError(
                f"unknown option {key}= at {origin}", hint="known are out=, checksum= and header="
            )
