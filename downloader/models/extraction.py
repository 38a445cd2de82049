"""The texts of pages: what is extracted, and what was."""

from dataclasses import dataclass

from downloader.models.option_group import OptionGroup
from downloader.web.text_names import TextFormat


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class ExtractionOptions(OptionGroup):
    """Options that select what is extracted from pages.

    Attributes:
        extract: formats that the main content of each page is saved in, beside the page.
        keep_texts: outcomes have these texts, too; without it, only their titles and languages.
        near_duplicates: outcomes of pages whose text hardly differs from that of another page name
            its URL.
    """

    extract: tuple[TextFormat, ...] = ()
    keep_texts: bool = True
    near_duplicates: bool = False

    def __post_init__(self) -> None:
        """Check the formats, and that there are any if texts are compared.

        Raises:
            ValueError: a value is not allowed.
        """
        # A plain text may stand for a format that is equal to it.
        if not set(TextFormat).issuperset(self.extract):
            raise ValueError("extract must be a tuple of text and markdown")
        if self.near_duplicates and not self.extract:
            raise ValueError("near_duplicates needs extract")
        super().__post_init__()


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """What was extracted from a page.

    Attributes:
        title: of the page, or empty.
        language: of the text, as a BCP 47 tag such as ``en``; empty if it is not known.
        text: the main content as plain text, or None.
        markdown: the same as Markdown, or None.
        near_duplicate_of: the URL of an earlier page with nearly the same text, or empty.
        saved: the formats of the files beside the page.
        signature: a sketch of the text for comparison with others; empty unless it is needed.
    """

    title: str = ""
    language: str = ""
    text: str | None = None
    markdown: str | None = None
    near_duplicate_of: str = ""
    saved: tuple[TextFormat, ...] = ()
    signature: bytes = b""
