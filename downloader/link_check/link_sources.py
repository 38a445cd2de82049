"""The sources of a check: documents on the disk, and what lists name."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from downloader import sources
from downloader.core.read_ahead import ReadAhead
from downloader.link_check.link_recorder import LinkRecorder
from downloader.link_check.local_documents import LocalDocuments
from downloader.mirror.check import UnreadableFile
from downloader.models import Failed, Options, Target
from downloader.sources import Entry
from downloader.web import urls

_MAX_LINES_AHEAD = 512
#: Lines with headers or credentials of their own that are remembered.
_MAX_CREDENTIAL_LINES = 10_000


class LinkSources:
    """Reads the sources, and records what they name.

    Args:
        arguments: of the command line.
        options: how lists are read.
        local: the documents on the disk.
        recorder: takes what is read.
        warn: takes warnings about lists.

    Attributes:
        lines: the lines that have headers or credentials, by their URL without these.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        options: Options,
        local: LocalDocuments,
        recorder: LinkRecorder,
        warn: Callable[[str], None],
    ) -> None:
        self.lines: dict[str, Target] = {}
        self._arguments = arguments
        self._options = options
        self._local = local
        self._recorder = recorder
        self._warn = warn
        self._reader: ReadAhead[Entry | UnreadableFile] | None = None

    def stop(self) -> None:
        """Read nothing more."""
        if self._reader is not None:
            self._reader.stop()

    async def record(self, fetch_list: sources.FetchList) -> AsyncIterator[int]:
        """Record all sources; yield the number of lines of each batch.

        Raises:
            SourceError: a list cannot be read; what came before was recorded.
        """
        entries = self._entries(fetch_list)
        self._reader = ReadAhead(entries, max_buffered=_MAX_LINES_AHEAD, name="list reader")
        while batch := await self._reader.take(_MAX_LINES_AHEAD):
            for entry in batch:
                self._record_entry(entry)
            yield len(batch)

    def _entries(self, fetch_list: sources.FetchList) -> Iterator[Entry | UnreadableFile]:
        """Yield the sources, documents on the disk first; this blocks."""
        lists = []
        for index, argument in enumerate(self._arguments):
            if not self._local.is_document(argument):
                lists.append(argument)
                continue
            for page in self._local.pages(argument):
                if isinstance(page, UnreadableFile):
                    yield page
                else:
                    yield Target(url=page, index=index, origin=argument)
        settings = sources.ListSettings.of(self._options, self._warn)
        if lists or settings.sitemaps:
            lines = sources.read(lists, fetch_list, settings)
            yield from sources.select_lines(lines, self._options)

    def _record_entry(self, entry: Entry | UnreadableFile) -> None:
        if isinstance(entry, UnreadableFile):
            message = f"cannot be read: {entry.reason}"
            self._recorder.add_bad_line(entry.path, message, "", entry.path, None)
            return
        place, line = _place_of(entry.origin)
        if isinstance(entry, Failed):
            self._recorder.add_bad_line(entry.url, entry.message, entry.hint, place, line)
            return
        url, credentials = urls.without_credentials(entry.url)
        if (entry.headers or credentials) and len(self.lines) < _MAX_CREDENTIAL_LINES:
            self.lines[url] = entry
        self._recorder.add_listed(url, place, line)


def _place_of(origin: str) -> tuple[str, int | None]:
    """Return the list and the line of an origin such as ``sites.txt:3``."""
    name, colon, number = origin.rpartition(":")
    return (name, int(number)) if colon and number.isdecimal() else (origin, None)
