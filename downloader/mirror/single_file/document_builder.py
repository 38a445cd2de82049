"""A document that is being packed, with what is to be inserted into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from downloader.links import Document, Link, ParsedDocument
from downloader.mirror.single_file.js_modules import with_import_map
from downloader.mirror.single_file.model import NotEmbeddedError
from downloader.mirror.single_file.placeholders import Placeholders
from downloader.mirror.single_file.srcdoc_frames import SrcdocFrames
from downloader.mirror.single_file.svg_use import SvgUses

HTML = "text/html"
PAGE_TOO_LARGE = "the page would become too large"
_SCRIPT = "text/javascript"


@dataclass(slots=True)
class DocumentBuilder:
    """A document that is being packed.

    Attributes:
        path_chain: the files that contain it, from the page on; itself last.
        document: the parsed document.
        remaining_characters: how many more characters may be embedded in it.
        placeholders, svg_uses, frames: what is inserted once its links are written.
        import_map_owner: the document whose import map names its modules; None if none can.
        has_modules: whether any module is embedded in it.
    """

    path_chain: tuple[str, ...]
    document: ParsedDocument
    remaining_characters: int
    placeholders: Placeholders
    svg_uses: SvgUses
    frames: SrcdocFrames | None
    import_map_owner: "DocumentBuilder | None" = None
    has_modules: bool = False

    @classmethod
    def of(
        cls,
        document: Document,
        path: str,
        container: "DocumentBuilder | None",
        max_characters: int,
    ) -> Self:
        """Return the builder of a document that *container* embeds; None for the page."""
        parsed, media_type = ParsedDocument(document), document.media_type
        builder = cls(
            path_chain=(*container.path_chain, path) if container else (path,),
            document=parsed,
            remaining_characters=max_characters,
            placeholders=Placeholders(parsed.encoding),
            svg_uses=SvgUses(parsed, media_type),
            frames=SrcdocFrames(parsed) if media_type == HTML else None,
        )
        if media_type == HTML and not parsed.encoding.startswith("utf-16"):
            builder.import_map_owner = builder
        elif media_type == _SCRIPT and container:
            builder.import_map_owner = container.import_map_owner
        return builder

    @property
    def path(self) -> str:
        """The path of the document."""
        return self.path_chain[-1]

    @property
    def is_page(self) -> bool:
        """Whether this is the page itself, which nothing contains."""
        return len(self.path_chain) == 1

    def reserve(self, characters: int) -> None:
        """Count characters that are to be embedded.

        Raises:
            NotEmbeddedError: they are too many.
        """
        if characters > self.remaining_characters:
            raise NotEmbeddedError(PAGE_TOO_LARGE if self.is_page else "too large")
        self.remaining_characters -= characters

    def build(
        self, replace: Callable[[Link], str | None], imports: Callable[[], Mapping[str, str]]
    ) -> bytes:
        """Return the document with replaced links and everything that was embedded meanwhile.

        *imports* returns the content of its import map, if it needs one.
        """
        body = self.placeholders.insert_into(self.document.rewrite(replace).body)
        if self.frames is not None:
            body = self.frames.insert_into(body)
        if self.has_modules and self.import_map_owner is self:
            body = with_import_map(body, imports())
        return self.svg_uses.insert_into(body)
