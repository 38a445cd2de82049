"""What the tests of links share: documents in one line, and trees that can be compared."""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from downloader.links import (
    Document,
    Link,
    LinkKind,
    find_links,
)
from downloader.web.urls import Url

URL = Url("https://site.example/dir/page.html")


def document(
    body: str | bytes,
    media_type: str = "text/html",
    *,
    url: str = URL,
    charset: str | None = "utf-8",
) -> Document:
    data = body.encode(charset or "utf-8") if isinstance(body, str) else body
    return Document(data, media_type, Url(url), charset)


def found(body: str | bytes, media_type: str = "text/html") -> list[tuple[LinkKind, str]]:
    """Return kind and address of each link that leads somewhere."""
    return [(link.kind, shown(link)) for link in find_links(document(body, media_type)) if link.url]


def shown(link: Link) -> str:
    """Return an address without what all of them begin with."""
    return (link.url or "").removeprefix("https://site.example/dir/") + link.fragment


def tree(html: str) -> list[tuple[str, dict[str, str | None], str | None]]:
    """Return all nodes that lexbor, another parser, makes of a page."""
    return [(node.tag or "", node.attributes, _text(node)) for node in _nodes(html)]


def _text(node: LexborNode) -> str | None:
    return node.comment_content if node.is_comment_node else node.text_content


def _nodes(html: str) -> Iterator[LexborNode]:
    root = LexborHTMLParser(html).root
    if root is not None:
        yield from root.traverse(include_text=True)


def strip(nodes: list[tuple[str, dict[str, str | None], str | None]]) -> list[object]:
    """Return nodes without what rewriting is there to change."""
    names = {"href", "src", "srcset", "background", "style", "srcdoc", "xlink:href"}
    names |= {"action", "data", "integrity", "crossorigin"}
    return [
        (tag, {n: v for n, v in attributes.items() if n not in names}, None if raw else text)
        for (tag, attributes, text), raw in zip(nodes, _raw(nodes), strict=True)
    ]


def _raw(nodes: list[tuple[str, dict[str, str | None], str | None]]) -> list[bool]:
    tags = [tag for tag, _, _ in nodes]
    return [before in {"style", "script"} for before in ["", *tags][: len(tags)]]
