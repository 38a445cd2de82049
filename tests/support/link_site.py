"""Two web servers with every kind of broken and good link, and the verdict that each deserves.

The servers speak HTTP by themselves, because much of what they send is no HTTP.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Expected(StrEnum):
    """The verdict that a link deserves."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    #: The link is left alone.
    NONE = "none"


@dataclass(frozen=True)
class LinkCase:
    """A link and its verdict.

    Attributes:
        what: what is special about it.
        html: the element; ``{site}`` and ``{other}`` stand for the two servers.
        link: the URL that a report has for it.
        expected: the verdict.
        kind: what is wrong with it.
    """

    what: str
    html: str
    link: str
    expected: Expected
    kind: str = ""


@dataclass(frozen=True)
class Answer:
    """What a server sends for a path.

    Attributes:
        get: the bytes of the response to a GET; None to close the connection without one.
        head: the same for HEAD; by default the head of *get*.
        hangs_on_head: whether nothing comes for a HEAD.
    """

    get: bytes | None
    head: bytes | None = b""
    hangs_on_head: bool = False


def page(
    body: str | bytes,
    content_type: str = "text/html; charset=utf-8",
    status: str = "200 OK",
    fields: str = "",
) -> bytes:
    """Return a whole response."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
    return f"{head}{fields}\r\n".encode() + data


def moved(location: str, status: str = "301 Moved Permanently") -> bytes:
    """Return a redirect."""
    return page("", status=status, fields=f"Location: {location}\r\n" if location else "")


OK_PAGE = page("<title>ok</title><p id=here>x<a name=named>y</a>")
IMAGE = page(b"GIF89a", "image/gif")
NOT_FOUND = page("not found", status="404 Not Found")
REFUSED_HEAD = page("", status="405 Method Not Allowed")
FRAGMENT_PAGE = "<meta charset={0}><p id='café'>x<p id='日本'>y<p id=plain>z"

#: Every path of both servers, and its answer; any other is 404.
ANSWERS: dict[str, Answer] = {
    "/ok": Answer(OK_PAGE),
    "/image": Answer(IMAGE),
    "/soft-404": Answer(page("<h1>Page not found</h1>")),
    "/410": Answer(page("", status="410 Gone")),
    "/403": Answer(page("", status="403 Forbidden")),
    "/500": Answer(page("", status="500 Internal Server Error")),
    "/999": Answer(page("", status="999 Request denied")),
    "/temporary": Answer(moved("/ok", "302 Found")),
    "/moved": Answer(moved("/ok")),
    "/moved-308": Answer(moved("/moved", "308 Permanent Redirect")),
    "/moved-then-found": Answer(moved("/temporary")),
    "/moved-to-404": Answer(moved("/gone")),
    "/loop-a": Answer(moved("/loop-b", "302 Found")),
    "/loop-b": Answer(moved("/loop-a", "302 Found")),
    "/loop-self": Answer(moved("/loop-self")),
    "/no-location": Answer(moved("", "302 Found")),
    "/to-mail": Answer(moved("mailto:a@b.test")),
    "/head-405": Answer(IMAGE, REFUSED_HEAD),
    "/head-403": Answer(IMAGE, page("", status="403 Forbidden")),
    "/head-404": Answer(IMAGE, NOT_FOUND),
    "/head-501": Answer(IMAGE, page("", status="501 Not Implemented")),
    "/head-body": Answer(IMAGE, IMAGE),
    "/head-garbage": Answer(IMAGE, b"what is HEAD?\r\n\r\n"),
    "/head-closes": Answer(IMAGE, None),
    "/head-hangs": Answer(IMAGE, hangs_on_head=True),
    "/head-only": Answer(NOT_FOUND, NOT_FOUND),
    "/closes": Answer(None, None),
    "/garbage": Answer(b"\x00\x01 no HTTP at all\r\n\r\n", b"\x00\x01 no HTTP at all\r\n\r\n"),
    "/cut": Answer(OK_PAGE.replace(b"Length: ", b"Length: 9")),
    "/utf-8": Answer(page(FRAGMENT_PAGE.format("utf-8"))),
    "/latin-1": Answer(
        page(FRAGMENT_PAGE.format("iso-8859-1").encode("latin-1", "ignore"), "text/html")
    ),
    "/shift-jis": Answer(
        page(FRAGMENT_PAGE.format("shift_jis").encode("shift-jis", "ignore"), "text/html")
    ),
    "/utf-16": Answer(page(FRAGMENT_PAGE.format("utf-8").encode("utf-16"), "text/html")),
    "/xhtml": Answer(
        page(
            "<html xmlns='http://www.w3.org/1999/xhtml'><body><p id='here'/></body></html>",
            "application/xhtml+xml",
        )
    ),
    "/svg": Answer(
        page("<svg xmlns='http://www.w3.org/2000/svg'><g id='here'/></svg>", "image/svg+xml")
    ),
    "/document.pdf": Answer(page(b"%PDF-1.4", "application/pdf")),
    "/style.css": Answer(
        page("@font-face { src: url(no-font) } b { background: url(image) }", "text/css")
    ),
    "/site.webmanifest": Answer(
        page('{"icons": [{"src": "no-icon"}]}', "application/manifest+json")
    ),
    "/frame": Answer(page("<base href='/sub/'><a href='../ok'>x</a> <a href=no-sub>y</a>")),
    "/robots.txt": Answer(page("User-agent: *\nDisallow: /private\n", "text/plain")),
    "/private": Answer(OK_PAGE),
}

_A = "<a href='{0}'>x</a>"


def _links(*rows: tuple[str, str, Expected] | tuple[str, str, Expected, str]) -> list[LinkCase]:
    return [LinkCase(row[0], _A.replace("{0}", row[1]), row[1], row[2], *row[3:]) for row in rows]


_OK, _WARNING, _BROKEN, _NONE = Expected.OK, Expected.WARNING, Expected.BROKEN, Expected.NONE
CASES = [
    *_links(
        ("a page", "{site}/ok", _OK),
        ("404", "{site}/gone", _BROKEN, "http-status"),
        ("410", "{site}/410", _BROKEN, "http-status"),
        ("500", "{site}/500", _BROKEN, "http-status"),
        ("a page that says it is not there, with 200", "{site}/soft-404", _OK),
        ("302", "{site}/temporary", _OK),
        ("301", "{site}/moved", _WARNING, "moved"),
        ("308, then 301", "{site}/moved-308", _WARNING, "moved"),
        ("301, then 302", "{site}/moved-then-found", _WARNING, "moved"),
        ("301 to a 404", "{site}/moved-to-404", _BROKEN, "http-status"),
        ("two pages that redirect to each other", "{site}/loop-a", _BROKEN, "redirect"),
        ("a page that redirects to itself", "{site}/loop-self", _BROKEN, "redirect"),
        ("302 without Location", "{site}/no-location", _BROKEN, "redirect"),
        ("301 to mailto:", "{site}/to-mail", _BROKEN, "redirect"),
        ("the connection is closed", "{site}/closes", _BROKEN, "connect"),
        ("no HTTP", "{site}/garbage", _BROKEN, "protocol"),
        ("a body that is cut off", "{site}/cut", _BROKEN, "truncated"),
        ("#id", "{site}/ok#here", _OK),
        ("#name", "{site}/ok#named", _OK),
        ("#top", "{site}/ok#top", _OK),
        ("no such #id", "{site}/ok#no", _BROKEN, "missing-fragment"),
        ("a text fragment", "{site}/ok#:~:text=x", _OK),
        ("#id and a text fragment", "{site}/ok#here:~:text=x", _OK),
        ("#id in UTF-8", "{site}/utf-8#café", _OK),
        ("#id in UTF-8, percent-encoded", "{site}/utf-8#caf%C3%A9", _OK),
        ("#id in ISO 8859-1", "{site}/latin-1#caf%C3%A9", _OK),
        ("#id in Shift JIS", "{site}/shift-jis#日本", _OK),
        ("#id in UTF-16", "{site}/utf-16#%E6%97%A5%E6%9C%AC", _OK),
        ("no such #id in UTF-16", "{site}/utf-16#cafe", _BROKEN, "missing-fragment"),
        ("#id in XHTML", "{site}/xhtml#here", _OK),
        ("no such #id in XHTML", "{site}/xhtml#no", _BROKEN, "missing-fragment"),
        ("#id in SVG", "{site}/svg#here", _OK),
        ("no such #id in SVG", "{site}/svg#no", _BROKEN, "missing-fragment"),
        ("#page of a PDF", "{site}/document.pdf#page=2", _OK),
        ("no such #id behind a redirect", "{site}/temporary#no", _BROKEN, "missing-fragment"),
        ("another host", "{other}/ok", _OK),
        ("404 of another host", "{other}/gone", _BROKEN, "http-status"),
        ("403 of another host", "{other}/403", _BROKEN, "http-status"),
        ("999 of another host", "{other}/999", _BROKEN, "http-status"),
        ("301 of another host", "{other}/moved", _WARNING, "moved"),
        ("a loop of another host", "{other}/loop-a", _BROKEN, "redirect"),
        ("another host refuses HEAD: 405", "{other}/head-405", _OK),
        ("another host refuses HEAD: 403", "{other}/head-403", _OK),
        ("another host answers HEAD with 404", "{other}/head-404", _OK),
        ("another host refuses HEAD: 501", "{other}/head-501", _OK),
        ("another host answers HEAD with a body", "{other}/head-body", _OK),
        ("another host answers HEAD with no HTTP", "{other}/head-garbage", _OK),
        ("another host closes at HEAD", "{other}/head-closes", _OK),
        ("another host hangs at HEAD", "{other}/head-hangs", _OK),
        ("a host that does not exist", "http://no-such-host.internal/", _BROKEN, "dns"),
        ("a port where nobody listens", "http://127.0.0.1:1/", _BROKEN, "connect"),
        ("mailto:", "mailto:a@b.test", _NONE),
        ("tel:", "tel:+49-30-1", _NONE),
        ("javascript:", "javascript:void(0)", _NONE),
        ("another scheme", "ssh+git:repository", _NONE),
        ("no URL", "http://exa mple/", _BROKEN, "bad-url"),
        ("an empty fragment", "#", _OK),
        ("a route of a script", "#/settings", _OK),
        ("no such #id of the page itself", "{site}/#nothing", _BROKEN, "missing-fragment"),
    ),
    LinkCase("an image", "<img src=image>", "{site}/image", _OK),
    LinkCase("no image", "<img src=no-image>", "{site}/no-image", _BROKEN, "http-status"),
    LinkCase(
        "a candidate of srcset",
        "<img srcset='image 1x, no-srcset 2x'>",
        "{site}/no-srcset",
        _BROKEN,
        "http-status",
    ),
    LinkCase(
        "a poster", "<video poster=no-poster></video>", "{site}/no-poster", _BROKEN, "http-status"
    ),
    LinkCase(
        "a script", "<script src=no-script></script>", "{site}/no-script", _BROKEN, "http-status"
    ),
    LinkCase(
        "url() of a style sheet",
        "<link rel=stylesheet href=style.css>",
        "{site}/no-font",
        _BROKEN,
        "http-status",
    ),
    LinkCase(
        "url() of a style element",
        "<style>i { background: url(no-background) }</style>",
        "{site}/no-background",
        _BROKEN,
        "http-status",
    ),
    LinkCase(
        "an icon of a manifest",
        "<link rel=manifest href=site.webmanifest>",
        "{site}/no-icon",
        _BROKEN,
        "http-status",
    ),
    LinkCase(
        "a link of a frame, with a base URL",
        "<iframe src=frame></iframe>",
        "{site}/sub/no-sub",
        _BROKEN,
        "http-status",
    ),
    LinkCase(
        "rel=preconnect",
        "<link rel=preconnect href='http://127.0.0.1:1/x'>",
        "http://127.0.0.1:1/x",
        _NONE,
    ),
    LinkCase("a form", "<form action=no-form method=post></form>", "{site}/no-form", _NONE),
]


@dataclass
class LinkSite:
    """The two servers.

    Attributes:
        site, other: their addresses, without a slash at the end.
        requests: ``NAME: METHOD PATH`` of each request, in order, with ``site`` or ``other`` first.
    """

    site: str
    other: str
    requests: list[str]

    def filled(self, text: str) -> str:
        """Return *text* with the addresses of the servers."""
        return text.replace("{site}", self.site).replace("{other}", self.other)

    def page(self) -> str:
        """Return the page with all links, one a line."""
        return "\n".join(self.filled(case.html) for case in CASES)


@asynccontextmanager
async def link_site() -> AsyncIterator[LinkSite]:
    """Run both servers."""
    requests: list[str] = []
    found: dict[str, Answer] = dict(ANSWERS)

    async def serve(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def record(request: str) -> None:
            requests.append(f"{name}: {request}")

        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await _answer(reader, writer, found, record):
                pass
        writer.close()

    servers = [
        await asyncio.start_server(partial(serve, name), "127.0.0.1", 0)
        for name in ("site", "other")
    ]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    site = LinkSite(urls[0], urls[1], requests)
    found["/"] = Answer(page(site.page()))
    try:
        yield site
    finally:
        for server in servers:
            server.close()


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    found: dict[str, Answer],
    record: Callable[[str], None],
) -> bool:
    """Answer one request; return whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    record(f"{method} {path}")
    answer = found.get(path.partition("?")[0], Answer(NOT_FOUND))
    is_head = method == "HEAD"
    if is_head and answer.hangs_on_head:
        await reader.read()  # until the client gives up
        return False
    sent = answer.get
    if is_head and answer.head != b"":
        sent = answer.head
    elif is_head and answer.get is not None:
        sent = answer.get.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    if sent is None:
        return False
    writer.write(sent)
    await writer.drain()
    return not (path.startswith(("/cut", "/garbage")) or not sent.startswith(b"HTTP/"))
