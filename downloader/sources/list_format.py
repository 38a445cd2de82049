"""What every format of lists provides, and what its parser is given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from downloader.errors import SourceError
from downloader.sources.entries import ListLine
from downloader.sources.lines import NumberedLine, split_lines
from downloader.web.urls import Url

#: Returns the body of a URL, as chunks; for lists that a list names.
FetchList = Callable[[Url], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class ListHead:
    """The beginning of a list, by which its format is detected.

    Attributes:
        data: the first bytes, uncompressed.
        first_line: the first line that is not blank, decoded and in lower case.
    """

    data: bytes
    first_line: str


@dataclass(frozen=True, slots=True)
class ListInput:
    """A list, as its parser gets it.

    Attributes:
        label: what the list is called in origins and messages.
        chunks: its bytes, uncompressed.
        encoding: of its text.
        file: the file itself if it is seekable and not compressed, else None.
    """

    label: str
    chunks: Iterator[bytes]
    encoding: str
    file: BinaryIO | None = None

    def lines(self) -> Iterator[NumberedLine]:
        """Yield the numbered lines of a text."""
        return split_lines(self.chunks, self.encoding)

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """Provide the list as a file for random access; a stream is copied to a temporary file.

        Raises:
            SourceError: the temporary file cannot be written.
        """
        if self.file is not None:
            self.file.seek(0)
            yield self.file
            return
        # Imported late: only lists for random access that come through a pipe need it.
        import tempfile

        try:
            with tempfile.TemporaryFile() as file:
                for chunk in self.chunks:
                    file.write(chunk)
                file.seek(0)
                yield file
        except OSError as error:
            raise SourceError(
                f"cannot keep {self.label} in a temporary file: {error.strerror}",
                hint="make room, or set TMPDIR to another folder",
            ) from error


@dataclass(frozen=True, slots=True)
class NestedList:
    """Another list that a list names, such as a sitemap in a sitemap index.

    Attributes:
        origin: where it is named.
        text: its URL, as written.
    """

    origin: str
    text: str


def _never(_head: ListHead) -> bool:
    return False


def _nothing_required() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFormat:
    """A format of lists.

    Attributes:
        name: as help, documentation and messages call it.
        content: what a list in this format holds, as one phrase for help and documentation.
        parse: yields the lines of a list, and the lists that it names; raises SourceError if the
            list is not in this format, after what could be read.
        extensions: file name extensions that stand for the format, without dots.
        has_signature: whether a list begins as only lists in this format do; decides first.
        looks_likely: whether a list begins as lists in this format usually do; decides when the
            file's name does not.
        is_binary: whether zero bytes belong to the format, which is then never gzipped.
        check_requirements: raises SourceError if a library that the format needs is missing; the
            message continues the name of the list.
    """

    name: str
    content: str
    parse: Callable[[ListInput], Iterator[ListLine | NestedList]]
    extensions: tuple[str, ...] = ()
    has_signature: Callable[[ListHead], bool] = _never
    looks_likely: Callable[[ListHead], bool] = _never
    is_binary: bool = False
    check_requirements: Callable[[], None] = _nothing_required
