"""Documents on the disk: folders as web servers would show them, and single pages.

Each source is the root of a site of its own, whose host nobody else can name. Nothing outside of
the folder is opened; see :class:`~downloader.mirror.check.mirror_folder.MirrorFolder`.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote

from downloader.errors import ErrorKind
from downloader.link_check.document_links import DocumentLinks, document_links
from downloader.link_check.link_table import Answer, Purpose, State
from downloader.links import Document, can_contain_links
from downloader.mirror.check import UnreadableFile
from downloader.mirror.check.mirror_folder import MirrorFolder
from downloader.models import LinkProblem
from downloader.web import urls
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url

#: A file with one of these endings is a document, and no list.
_DOCUMENT_SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".xht", ".svg", ".css"})


@dataclass(frozen=True, slots=True)
class _LocalSite:
    """One source.

    Attributes:
        base: its URL, with a slash at the end.
        name: the folder as the user has written it; empty for the current one.
        folder: its files.
        page: the only document that is read; None for all of them.
    """

    base: str
    name: str
    folder: MirrorFolder
    page: str | None


class LocalDocuments:
    """The folders and files among the sources of a check; its methods block."""

    def __init__(self) -> None:
        # A name that no page can contain.
        self._token = secrets.token_hex(8)
        self._sites: dict[str, _LocalSite] = {}

    @staticmethod
    def is_document(source: str) -> bool:
        """Return whether a source is a folder or a document, and no list."""
        path = Path(source)
        try:
            return path.is_dir() or (path.suffix.lower() in _DOCUMENT_SUFFIXES and path.is_file())
        except (OSError, ValueError):
            return False

    def pages(self, source: str) -> Iterator[Url | UnreadableFile]:
        """Yield the documents of a source, which is added to the sites."""
        path = Path(source)
        folder, page = (path, None) if path.is_dir() else (path.parent, path.name)
        host = f"{self._token}-{len(self._sites)}.invalid"
        name = "" if os.fspath(folder) == "." else os.fspath(folder).rstrip("/") + "/"
        site = _LocalSite(f"http://{host}/", name, MirrorFolder(folder), page)
        self._sites[host] = site
        for file in site.folder.files() if page is None else [page]:
            if isinstance(file, UnreadableFile):
                yield UnreadableFile(f"{name}{file.path}", file.reason)
            elif can_contain_links(guess_media_type(file)):
                yield _url_of(site, file)

    def has(self, url: str) -> bool:
        """Return whether *url* is that of a file on the disk."""
        return bool(self._sites) and self._token in url and self._site_of(url) is not None

    def shown(self, url: str) -> str:
        """Return a URL for people: of a file on the disk, its path."""
        site = self._site_of(url) if self._sites and self._token in url else None
        if site is None:
            return url
        return site.name + (unquote(url[len(site.base) :], errors="replace") or ".")

    def answer(self, url: Url, purpose: Purpose) -> tuple[Answer, DocumentLinks | None]:
        """Look a file up, and read it if *purpose* needs that."""
        site = self._site_of(url)
        if site is None:
            raise ValueError(f"{url} is not on the disk")
        target = site.folder.find(url[len(site.base) :].partition("?")[0])
        if target.file is None:
            outside = target.path is None
            message = "leads out of the folder" if outside else "there is no such file"
            return Answer(State.BROKEN, LinkProblem.MISSING_FILE, message), None
        final = _url_of(site, target.file)
        answer = Answer(State.WORKS, final="" if final == url else final)
        media_type = guess_media_type(target.file)
        if purpose is Purpose.EXISTENCE or not can_contain_links(media_type):
            return answer, None
        body = site.folder.read(target.file)
        if isinstance(body, UnreadableFile):
            message = f"cannot be read: {body.reason}"
            return Answer(State.BROKEN, ErrorKind.DISK, message), None
        return answer, document_links(Document(body, media_type, final))

    def _site_of(self, url: str) -> _LocalSite | None:
        return self._sites.get(urls.host(Url(url))) if "://" in url else None


def _url_of(site: _LocalSite, file: str) -> Url:
    return Url(site.base + quote_from_bytes(os.fsencode(file)))
