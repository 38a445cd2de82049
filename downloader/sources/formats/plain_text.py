"""Plain text: a URL on each line, with aria2's options for it on indented lines below."""

import re
from collections.abc import Iterator

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import TOO_LONG

_OPTION = re.compile(r"\s+([a-z][a-z0-9-]*)=(.*)")


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the URL of each line; indented ``key=value`` lines below it are its options.

    Raises:
        SourceError: the list cannot be read further; the lines before were yielded.
    """
    current: ListLine | None = None
    try:
        for number, text, complete in source.lines():
            origin, content = f"{source.label}:{number}", text.strip()
            if not content or content.startswith("#"):
                continue
            option = _OPTION.fullmatch(text)
            if option is None:
                if current is not None:
                    yield current
                error = None if complete else BadUrlError(TOO_LONG)
                current = ListLine(origin, content, error=error)
            elif current is None:
                yield ListLine(origin, content, error=BadUrlError("an option without a URL"))
            else:
                _set_option(current, option[1], option[2].strip(), origin)
                if not complete:
                    current.error = BadUrlError(TOO_LONG)
    except SourceError:
        # The last line before the error is valid as well.
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
