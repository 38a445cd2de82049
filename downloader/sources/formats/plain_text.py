"""Plain text: a URL on each line, with aria2's options for it on indented lines below."""

import re
from collections.abc import Iterator

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import TOO_LONG
from downloader.web.urls import without_invisible

_OPTION = re.compile(r"\s+([a-z][a-z0-9-]*)=(.*)")
#: A line that is an address and nothing else, as most are.
_ADDRESS_ALONE = re.compile(r"https?://[!-~]+")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
#: A comment behind an address. A fragment, which is never sent, would follow without white space.
_COMMENT = re.compile(r"\s#.*", re.DOTALL)
#: Separators of lines that only Unicode has; copied text may have them.
_UNICODE_LINE_END = re.compile("[\x85\u2028\u2029]")


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the URL of each line; indented ``key=value`` lines below it are its options.

    A line typed at a terminal is yielded at once, and has no options.

    Raises:
        SourceError: the list cannot be read further; the lines before were yielded.
    """
    current: ListLine | None = None
    is_plain = _ADDRESS_ALONE.fullmatch
    try:
        for number, text, complete in source.lines():
            option = None
            if is_plain(text):
                addresses = [text]
            else:
                # A name with an invisible character is refused as it is, and not changed.
                visible = without_invisible(text)
                option = _OPTION.fullmatch(text) if _OPTION.fullmatch(visible) else None
                addresses = list(_addresses(visible)) if option is None else []
            for address in addresses:
                if current is not None:
                    yield current
                error = None if complete else BadUrlError(TOO_LONG)
                current = ListLine(f"{source.label}:{number}", address, error=error)
                if source.is_typed:
                    yield current
                    current = None
            if option is not None:
                origin = f"{source.label}:{number}"
                if current is None:
                    error = BadUrlError("an option without a URL", hint="see --header")
                    if source.is_typed:
                        error = BadUrlError(
                            "an option is only possible in a file", hint="write the list to a file"
                        )
                    yield ListLine(origin, text.strip(), error=error)
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


def _addresses(text: str) -> Iterator[str]:
    """Yield the address of a line, as people write and copy it; nothing for a comment."""
    for part in _UNICODE_LINE_END.split(text):
        content = part.strip()
        if content and not content.startswith("#"):
            yield _without_decoration(_COMMENT.sub("", content).rstrip())


def _without_decoration(content: str) -> str:
    """Return an address without ``<`` and ``>``, and without what tabs separate from it."""
    if "\t" in content:
        # aria2 has mirrors of one file there; tables have anything.
        cells = [cell.strip() for cell in content.split("\t")]
        content = next(filter(_ADDRESS.match, cells), cells[0])
    if content.startswith("<") and content.endswith(">"):
        # RFC 3986, appendix C; its prefix is obsolete, but occurs.
        content = content[1:-1].strip().removeprefix("URL:")
    return content


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
