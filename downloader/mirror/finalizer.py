"""What is done when all is there: files are arranged, and documents get their new links."""

from concurrent.futures import Executor

from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.document_reader import DocumentReader, Documents, portions
from downloader.mirror.link_rewriter import LinkRewriter, Parse
from downloader.mirror.originals import OriginalsArranger
from downloader.mirror.single_pages import SingleFileWriter, is_page
from downloader.models import MirrorOptions
from downloader.storage import Storage

_UNFINISHED = "not all pages have their new links yet; the same command goes on"


class MirrorFinalizer:
    """The end of a mirror.

    Args:
        options: how the run is made.
        storage, notes: where the documents are, and what is known of them.
        thread: where documents are read and written anew.
        parse: reads a document, unless that has been done.
        reading: reads the bytes of documents.
        arranging: says which files are to stand in the folder.

    Attributes:
        rewritten: in how many documents links were replaced; None before that is begun.
    """

    def __init__(
        self,
        options: MirrorOptions,
        storage: Storage,
        notes: AsyncJournal,
        thread: Executor,
        parse: Parse,
        reading: DocumentReader,
        arranging: OriginalsArranger,
    ) -> None:
        self.rewritten: int | None = None
        self._notes = notes
        self._reading = reading
        self._arranging = arranging
        self._rewriting = LinkRewriter(storage, notes, thread, parse, reading.warn)
        single = options.single_file
        self._singles = (
            SingleFileWriter(storage, notes, thread, arranging.keeps, reading.warn)
            if single
            else None
        )
        self._stopped = False
        self._finished = False

    @property
    def warnings(self) -> list[str]:
        """Lines for a person."""
        singles = self._singles.warnings if self._singles is not None else []
        return [*singles, _UNFINISHED] if self._stopped and not self._finished else singles

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True

    async def finish(self) -> None:
        """Arrange the files of this run, and replace the links of all its documents."""
        if self._stopped:
            return
        self.rewritten = 0
        await self._arranging.arrange()
        row = 0
        while not self._stopped and (stored := await self._notes.documents(row)):
            row = stored[-1].row
            for portion in portions(stored):
                await self._replace(await self._reading.documents(portion))
                self.rewritten += len(portion)
        self._finished = not self._stopped

    async def _replace(self, documents: Documents) -> None:
        if self._singles is not None:
            # One after the other, because each may become many times as large as it is.
            for stored, contents in documents:
                if is_page(stored) and not self._stopped:
                    await self._singles.make(stored, contents)
            documents = [each for each in documents if not is_page(each[0])]
        await self._rewriting.rewrite(documents)
