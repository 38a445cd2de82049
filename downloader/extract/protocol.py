"""What a process that extracts pages exchanges with its parent, as pickles over two pipes.

Unpickling can run any code; both ends are this program, and nobody else has the pipes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageTask:
    """A page to extract.

    Attributes:
        data: its bytes.
        content_type: the Content-Type field, which may name the encoding.
        media_type: of the page.
        url: that answered, which its links are relative to.
        markdown: whether Markdown is wanted, too.
        signature: whether a signature of the text is wanted.
    """

    data: bytes
    content_type: str
    media_type: str
    url: str
    markdown: bool
    signature: bool


@dataclass(frozen=True, slots=True)
class PageContent:
    """What was found in a page.

    Attributes:
        title: or empty.
        language: as a BCP 47 tag, or empty.
        text: the main content.
        markdown: the same as Markdown; empty unless it was wanted.
        signature: of the text; empty unless it was wanted, or for a text that is too short.
    """

    title: str
    language: str
    text: str
    markdown: str = ""
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class ExtractionFailure:
    """The extractor failed on a page; *reason* is one line."""

    reason: str
