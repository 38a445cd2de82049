"""The names that a target may have, as the options and its line ask for."""

from collections.abc import Iterator, Mapping

from downloader.errors import BlockedError
from downloader.models import StorageOptions, Target
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.path_parts import MAX_NAME_BYTES
from downloader.web.text_names import is_text_name
from downloader.web.url_names import (
    FolderLayout,
    alternatives,
    candidates,
    names_from_list,
    path_of_parts,
    shortened,
    url_parts,
)

#: Bytes of the names that are tried on a file system that refuses longer ones: those of eCryptfs,
#: and less.
SHORTER_NAME_BYTES = (143, 100)


class Naming:
    """The names that targets may have.

    Args:
        options: of the run.
        max_name_bytes: bytes that the file system takes for a name.
    """

    def __init__(self, options: StorageOptions, max_name_bytes: int = MAX_NAME_BYTES) -> None:
        self._max_name_bytes = max_name_bytes
        self._only_name = options.only_name
        self._takes_disposition = options.content_disposition and self._only_name is None
        self._layout: FolderLayout | None = None
        self._template = None
        #: Whether names that texts of pages may have are left to them.
        self._reserves_texts = bool(options.extract) and self._only_name is None
        if self._only_name is not None:
            return
        if options.name_template is not None:
            # Imported late: most runs have no template.
            from downloader.web.name_template import NameTemplate

            self._template = NameTemplate.parse(options.name_template)
        elif not options.has_default_names:
            self._layout = FolderLayout(
                options.host_directories, options.cut_dirs, options.host_folders
            )

    @property
    def is_default(self) -> bool:
        """Whether the URL alone decides names."""
        is_short = self._max_name_bytes < MAX_NAME_BYTES
        decided = self._template or self._layout or self._only_name or self._reserves_texts
        return not decided and not is_short

    def preferred(self, target: Target) -> FileName | None:
        """Return the first of the :meth:`candidates`; None if there is none."""
        try:
            return next(self.candidates(target))
        except BlockedError:
            return None

    def candidates(self, target: Target) -> Iterator[FileName]:
        """Yield the names that *target* may have, best first; its name is the first that is free.

        Raises:
            BlockedError: its line gives it no name, or one that leads out of the output folder.
        """
        if self._only_name is not None:
            yield FileName(self._only_name, ExtensionRule.NEVER)
            return
        for name in self._without_texts(self._candidates(target)):
            yield shortened(name, target.url, self._max_name_bytes, _request_of(target))

    @property
    def needs_answer(self) -> bool:
        """Whether a name may depend on the Content-Disposition field of the answer."""
        template = self._template
        return template.needs_disposition if template is not None else self._takes_disposition

    def candidates_for_answer(self, target: Target, leaf: str) -> Iterator[FileName]:
        """Yield the names that *target* may have when its answer names it *leaf*, best first.

        A name that the list gives goes before.
        """
        if target.name is not None:
            return self.candidates(target)
        if self._template is not None:
            plain, whole = self._template.expand(target.url, columns_of(target), leaf)
        else:
            parts = url_parts(target.url)
            folder = (self._layout or FolderLayout()).apply("/".join((parts.host, *parts.folders)))
            plain, whole = path_of_parts([*filter(None, folder.split("/")), leaf], None)
        names = alternatives(plain, target.url, _request_of(target), ambiguous=not whole)
        return (
            shortened(name, target.url, self._max_name_bytes, _request_of(target))
            for name in self._without_texts(names)
        )

    def allows(self, target: Target, name: FileName) -> bool:
        """Return whether *name*, which it got in an earlier run, is one that *target* may have.

        Raises:
            BlockedError: as :meth:`candidates`.
        """
        if self.needs_answer and target.name is None:
            # Only the answer could tell.
            return True
        sizes = (MAX_NAME_BYTES, *SHORTER_NAME_BYTES)
        return any(
            name == shortened(candidate, target.url, size, _request_of(target))
            for candidate in self.candidates(target)
            for size in sizes
        )

    def _without_texts(self, names: Iterator[FileName]) -> Iterator[FileName]:
        """Leave out names that texts of pages may have; those with a hash are no such names."""
        if not self._reserves_texts:
            return names
        return (name for name in names if not is_text_name(name))

    def _candidates(self, target: Target) -> Iterator[FileName]:
        if target.name is not None:
            return names_from_list(target.name, target.url, _request_of(target))
        if self._template is None:
            return candidates(target.url, _request_of(target), self._layout)
        plain, whole = self._template.expand(target.url, columns_of(target))
        return alternatives(plain, target.url, _request_of(target), ambiguous=not whole)


def shorter_names(name: FileName, target: Target) -> list[FileName]:
    """Return names like *name* of *target* for a file system that finds it too long, best first.

    There are none if it is as short as it may be.
    """
    url, request = target.url, _request_of(target)
    for size in SHORTER_NAME_BYTES:
        short = shortened(name, url, size, request)
        if short != name:
            names = alternatives(short, url, request)
            return [shortened(each, url, size, request) for each in names]
    return []


def _request_of(target: Target) -> str:
    """Return what tells the request of *target* from a plain GET, if it is another one."""
    return "" if target.request is None else target.request.identity


def columns_of(target: Target) -> Mapping[str, str]:
    """Return the values of a target's line as text, by the folded names of their columns."""
    if target.source_line is None:
        return {}
    return {
        name.strip().casefold(): str(value)
        for name, value in target.source_line.columns
        if value is not None
    }
