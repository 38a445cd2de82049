"""Finishes a mirror: places its files and rewrites its documents, once all has been fetched."""

from concurrent.futures import Executor

from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.document_reader import DocumentReader, LoadedDocuments, batches
from downloader.mirror.file_mover import FileMover
from downloader.mirror.link_rewriter import LinkRewriter, ParseDocument
from downloader.mirror.own_page_writer import OwnPageWriter
from downloader.mirror.single_file_writer import SingleFileWriter, is_page
from downloader.models import Options
from downloader.storage import Storage

_UNFINISHED = "not all links are rewritten yet; run the same command to continue"


class MirrorFinalizer:
    """The last phase of a mirror.

    Args:
        options: the options of the run.
        storage, journal: hold the documents.
        thread: where documents are parsed and written.
        parse: returns a parsed document.
        reader: reads the bytes of documents.
        file_mover: says which files belong in the folder.

    Attributes:
        rewritten: documents whose links have been rewritten; None before :meth:`finish`.
    """

    def __init__(
        self,
        options: Options,
        storage: Storage,
        journal: AsyncJournal,
        thread: Executor,
        parse: ParseDocument,
        reader: DocumentReader,
        file_mover: FileMover,
    ) -> None:
        self.rewritten: int | None = None
        self._journal = journal
        self._reader = reader
        self._file_mover = file_mover
        self._link_rewriter = LinkRewriter(storage, journal, thread, parse, reader.warn)
        self._single_file_writer: SingleFileWriter | None = None
        self._own_page_writer = OwnPageWriter(options.output, storage, journal, thread)
        if options.single_file:
            self._single_file_writer = SingleFileWriter(
                storage, journal, thread, file_mover.belongs_in_folder, reader.warn
            )
        self._is_stopped = False
        self._is_finished = False

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        warnings = self._single_file_writer.warnings if self._single_file_writer else []
        if self._is_stopped and not self._is_finished:
            return [*warnings, _UNFINISHED]
        return warnings

    def stop(self) -> None:
        """Start nothing more."""
        self._is_stopped = True

    async def finish(self, *, has_left_out: bool) -> None:
        """Place the files of this run, and rewrite the links of all documents.

        Nothing is to be done if the last run has done it and nothing has changed since.

        Args:
            has_left_out: whether something was not read or not followed, so that the next run tries
                it again.
        """
        if self._is_stopped:
            return
        self.rewritten = 0
        is_current = await self._journal.is_mirror_current()
        if is_current:
            self._is_finished = True
        else:
            await self._file_mover.apply()
            await self._rewrite_all()
        if self._is_finished:
            await self._own_page_writer.write(is_current=is_current)
        if self._is_finished and not has_left_out and not self.warnings:
            await self._journal.record_mirror()

    async def _rewrite_all(self) -> None:
        row = rewritten = 0
        while not self._is_stopped and (documents := await self._journal.documents(row)):
            row = documents[-1].row
            for batch in batches(documents):
                await self._rewrite(await self._reader.read(batch))
                self.rewritten = rewritten = rewritten + len(batch)
        self._is_finished = not self._is_stopped

    async def _rewrite(self, documents: LoadedDocuments) -> None:
        if self._single_file_writer is not None:
            # One after the other, because each may become many times as large as it is.
            for saved, contents in documents:
                if is_page(saved) and not self._is_stopped:
                    await self._single_file_writer.write(saved, contents)
            documents = [each for each in documents if not is_page(each[0])]
        await self._link_rewriter.rewrite(documents)
