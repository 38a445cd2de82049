"""Extracts saved pages, and saves their texts beside them (``--extract``).

A page goes through here once it is saved, before its outcome is known: its transfer waits for it,
so that no more pages wait than transfers may run.
"""

import importlib.util
import tempfile
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from downloader.core.extraction_process import ExtractionProcesses
from downloader.errors import DiskError, RunError, UrlError
from downloader.extract.protocol import ExtractionFailure, PageContent, PageTask
from downloader.http import Response
from downloader.journal import Job, SavedPage, skipped_outcome
from downloader.models import (
    Downloaded,
    ExtractedPage,
    Skipped,
    SkipReason,
    TextFormat,
    TransferOptions,
    Unchanged,
)
from downloader.storage import PublishOptions, Storage
from downloader.web.filenames import SafePath
from downloader.web.media_types import PAGE_TYPES
from downloader.web.text import format_size
from downloader.web.text_names import text_path

#: Larger pages are not extracted: it would take tens of seconds.
MAX_PAGE_BYTES = 8 * 1024**2
#: Bytes of a page that are held in memory until it is extracted; more go to a temporary file.
_MEMORY_BYTES = 1024**2
#: Characters of a text that outcomes, and so reports, have; files have all of it.
MAX_OUTCOME_CHARACTERS = 1024**2
_TOO_LARGE = f"larger than {format_size(MAX_PAGE_BYTES)}"


def check_libraries(options: TransferOptions) -> None:
    """Check that the libraries are installed that the options need.

    Raises:
        RunError: one is not.
    """
    extractor = ["trafilatura"] if options.extract else []
    for library in [*extractor, *(["rensa"] if options.near_duplicates else [])]:
        if importlib.util.find_spec(library) is None:
            raise RunError(
                f"texts of pages need {library}, which is not installed",
                hint="install it with: pip install 'download-sites[extract]'",
            )


class PageBuffer:
    """The decoded bytes of a page while it is received and saved."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115 - see close()
        self._size = 0
        self._error = ""

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self._size += len(piece)
        if self._error or self._size > MAX_PAGE_BYTES:
            return
        try:
            self._file.write(piece)
        except OSError as error:
            self._error = f"cannot write a temporary file: {error.strerror}"

    def read(self) -> bytes | str:
        """Return the page, or why it cannot be extracted."""
        if self._size > MAX_PAGE_BYTES:
            return _TOO_LARGE
        try:
            self._file.seek(0)
            return self._error or self._file.read()
        except OSError as error:
            return f"cannot read a temporary file: {error.strerror}"

    def close(self) -> None:
        """Discard the page."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class PageToExtract:
    """The outcome of a page, but for its text.

    Attributes:
        outcome: without text.
        content_type: the Content-Type field of its response.
        page: its bytes; None if they are to be read from the saved file.
    """

    outcome: Downloaded | Unchanged
    content_type: str = ""
    page: PageBuffer | None = None


class PageExtractor:
    """Extracts pages; an asynchronous context manager.

    Args:
        options: of the run.
        storage: where pages are saved.
    """

    def __init__(self, options: TransferOptions, storage: Storage) -> None:
        self._options = options
        self._storage = storage
        self._processes = ExtractionProcesses()
        self._saves = options.save and options.pack is None
        self._has_markdown = TextFormat.MARKDOWN in options.extract

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._processes.close()

    def buffer(self, response: Response) -> PageBuffer | None:
        """Return what takes the body of *response* if it is a page, and None for anything else."""
        return PageBuffer() if response.media_type in PAGE_TYPES else None

    async def complete(self, job: Job, saved: PageToExtract) -> Downloaded | Unchanged:
        """Return the outcome of a page with its text.

        Raises:
            DiskError: the disk refuses to save the text.
        """
        outcome = saved.outcome
        if saved.page is None:
            source = job.unextracted
            if source is None:
                return outcome
            page, note = await self._extract_saved(source)
        else:
            try:
                data = saved.page.read()
            finally:
                saved.page.close()
            if isinstance(data, str):
                page, note = None, data
            else:
                media_type = outcome.media_type if isinstance(outcome, Downloaded) else ""
                task = self._task(data, saved.content_type, media_type, outcome.final_url)
                page, note = await self._extract(task, outcome.path, self._options.extract)
        if note:
            note = f"text not extracted: {note}"
            note = f"{outcome.note}; {note}" if outcome.note else note
        outcome = replace(outcome, page=page, note=note or outcome.note)
        if isinstance(outcome, Downloaded) and page is not None and not outcome.title:
            # It is not looked for, or stands far from the beginning.
            return replace(outcome, title=page.title)
        return outcome

    async def extract_saved(self, job: Job, source: SavedPage) -> Skipped:
        """Extract a page that an earlier run has saved.

        Raises:
            DiskError: the disk refuses to save the text.
        """
        page, note = await self._extract_saved(source)
        remark = f"text not extracted: {note}" if note else "text extracted now"
        detail = f"already saved as {source.path}; {remark}"
        skipped = skipped_outcome(job.target, SkipReason.DONE, detail, job.saved)
        return replace(skipped, page=page)

    async def _extract_saved(self, source: SavedPage) -> tuple[ExtractedPage | None, str]:
        try:
            contents = await self._storage.read(source.original_path, MAX_PAGE_BYTES)
        except UrlError as error:
            return None, error.message
        task = self._task(contents.data, source.content_type, source.media_type, source.url)
        return await self._extract(task, source.path, source.missing)

    def _task(self, data: bytes, content_type: str, media_type: str, url: str) -> PageTask:
        return PageTask(
            data, content_type, media_type, url, self._has_markdown, self._options.near_duplicates
        )

    async def _extract(
        self, task: PageTask, path: SafePath, formats: tuple[TextFormat, ...]
    ) -> tuple[ExtractedPage | None, str]:
        """Extract a page, and save its text in *formats*; return why it cannot be, otherwise."""
        found = await self._processes.extract(task)
        if isinstance(found, ExtractionFailure):
            return None, found.reason
        note = await self._save(found, path, formats) if self._saves else ""
        wanted = self._options.extract if self._options.keep_texts else ()
        page = ExtractedPage(
            found.title,
            found.language,
            found.text[:MAX_OUTCOME_CHARACTERS] if TextFormat.TEXT in wanted else None,
            found.markdown[:MAX_OUTCOME_CHARACTERS] if TextFormat.MARKDOWN in wanted else None,
            saved=self._options.extract if self._saves and not note else (),
            signature=found.signature,
        )
        return page, note

    async def _save(
        self, found: PageContent, path: SafePath, formats: tuple[TextFormat, ...]
    ) -> str:
        """Save the text of a page in *formats*; return why something is in the way, or "".

        Files of an earlier version have been removed, so that what is there is somebody else's, and
        is kept under a backup name.
        """
        for text_format in formats:
            text = found.text if text_format is TextFormat.TEXT else found.markdown
            data = f"{text}\n".encode() if text else b""
            try:
                await self._storage.save(text_path(path, text_format), data, PublishOptions())
            except DiskError:
                raise
            except UrlError as error:
                return error.message
        return ""
