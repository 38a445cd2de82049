"""The pages that this program writes into a mirror: a list of its pages, and one for missing ones.

They need no script and no server, and request nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from downloader.mirror.relative_urls import relative_url
from downloader.web.filenames import SafePath
from downloader.web.text import format_size, printable
from downloader.web.urls import Url, host

#: Pages that the list has; a file with more takes seconds to open.
MAX_LISTED_PAGES = 50_000
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="download">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --muted: light-dark(#56606c, #9ba6b3); }}
body {{
  max-width: 60rem; margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem);
  background: light-dark(#fff, #101317); color: light-dark(#1a1f26, #e4e8ed);
  font: 1rem/1.5 system-ui, sans-serif;
}}
h1, h2 {{ line-height: 1.2; overflow-wrap: anywhere; }}
h2 {{ margin-top: 2.5rem; font-size: 1.2rem; }}
ul {{ list-style: none; margin: 0; padding: 0; }}
li {{ padding: 0.35rem 0; overflow-wrap: anywhere; }}
a {{ color: light-dark(#0b5cad, #79b8ff); text-underline-offset: 0.18em; }}
small, p {{ color: var(--muted); }}
small {{ display: block; font-size: 0.85rem; }}
</style>
</head>
<body>
<main>
"""
_END = "</main>\n</body>\n</html>\n"


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page in the list.

    Attributes:
        url: that was requested.
        path: its file.
        title: empty if it has none.
        size: in bytes.
    """

    url: Url
    path: SafePath
    title: str
    size: int


def index_page(path: SafePath, pages: Iterable[ListedPage], more: int) -> bytes:
    """Return the list of pages as the file *path*; *more* pages are not in it."""
    return "".join(_index_lines(path, pages, more)).encode("utf-8", "backslashreplace")


def missing_page() -> bytes:
    """Return the page for links to what did not exist; the fragment of its address names that."""
    title = "This page did not exist"
    text = (
        "The link leads to an address that did not exist when this site was saved: its server "
        "answered with 404 or 410. The address is behind the # of this page's own address."
    )
    return f"{_HEAD.format(title=title)}<h1>{title}</h1>\n<p>{text}</p>\n{_END}".encode()


def _index_lines(path: SafePath, pages: Iterable[ListedPage], more: int) -> Iterator[str]:
    yield _HEAD.format(title="Saved pages")
    yield "<h1>Saved pages</h1>\n"
    last_host: str | None = None
    for page in pages:
        if (page_host := host(page.url)) != last_host:
            yield "</ul>\n" if last_host is not None else ""
            yield f"<h2>{escape(page_host)}</h2>\n<ul>\n"
            last_host = page_host
        address = escape(printable(page.url))
        link = escape(relative_url(path, page.path))
        title = escape(printable(page.title)) or address
        yield f'<li><a href="{link}">{title}</a>'
        yield f"<small>{address}, {format_size(page.size)}</small></li>\n"
    yield "</ul>\n" if last_host is not None else "<p>No page is saved.</p>\n"
    if more:
        yield f"<p>{more:,} more pages are not in this list: run download serve.</p>\n"
    yield _END
