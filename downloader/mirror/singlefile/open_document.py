"""A document that is being packed, and what waits to be put into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from downloader.links import Document, Link, ParsedDocument
from downloader.mirror.singlefile.frames import PageFrames
from downloader.mirror.singlefile.js_modules import with_import_map
from downloader.mirror.singlefile.model import NotEmbedded
from downloader.mirror.singlefile.placeholders import Placeholders
from downloader.mirror.singlefile.svg_use import SvgUses

HTML = "text/html"
TOO_MUCH = "the page would become too large"
_SCRIPT = "text/javascript"


@dataclass(slots=True)
class OpenDocument:
    """A document that is being packed.

    Attributes:
        way: the files from the page to it, itself last.
        page: the document, read.
        room: how many more characters may be put into it.
        late, graphics, frames: what is put into it when its links are written.
        named: the document whose import map names its modules; None if none can.
        modules: whether any module was put into it.
    """

    way: tuple[str, ...]
    page: ParsedDocument
    room: int
    late: Placeholders
    graphics: SvgUses
    frames: PageFrames | None
    named: "OpenDocument | None" = None
    modules: bool = False

    @classmethod
    def of(cls, document: Document, path: str, outer: "OpenDocument | None", room: int) -> Self:
        """Read a document that is needed by *outer*."""
        page, kind = ParsedDocument(document), document.media_type
        new = cls(
            way=(*outer.way, path) if outer else (path,),
            page=page,
            room=room,
            late=Placeholders(page.encoding),
            graphics=SvgUses(page, kind),
            frames=PageFrames(page) if kind == HTML else None,
        )
        if kind == HTML and not page.encoding.startswith("utf-16"):
            new.named = new
        elif kind == _SCRIPT and outer:
            new.named = outer.named
        return new

    @property
    def name(self) -> str:
        """The path of the document."""
        return self.way[-1]

    def take(self, size: int) -> None:
        """Have so many characters put into it.

        Raises:
            Refused: there is no room for them.
        """
        if size > self.room:
            raise NotEmbedded(TOO_MUCH if len(self.way) == 1 else "too large")
        self.room -= size

    def written(
        self, replace: Callable[[Link], str | None], names: Callable[[], Mapping[str, str]]
    ) -> bytes:
        """Return the document with other links, and all that was put into it meanwhile."""
        body = self.late.put_into(self.page.rewrite(replace).body)
        if self.frames is not None:
            body = self.frames.put_into(body)
        if self.modules and self.named is self:
            body = with_import_map(body, names())
        return self.graphics.put_into(body)
