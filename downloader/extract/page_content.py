"""The main content of a page, as trafilatura finds it."""

from functools import partial
from urllib.parse import urljoin

import trafilatura
import turbohtml
from lxml import etree
from trafilatura.xml import xmltotxt

from downloader.extract.language import text_language
from downloader.extract.protocol import PageContent, PageTask
from downloader.links.page_text import document_text, document_title
from downloader.web.charset import decode_text

#: Characters of a text that are kept: nested lists and quotes may make it longer than its page.
MAX_TEXT_CHARACTERS = 8 * 1024**2
_MAX_TITLE_CHARACTERS = 2000
#: Links of this text lead from a heading to itself.
_PERMALINKS = frozenset({"¶", "#", "§", "🔗"})
#: The tag of elements that are about to be removed.
_REMOVED = "removed"


def extract_page(task: PageTask) -> PageContent:
    """Return the main content of a page.

    A page in which no main content is found, such as a list of links, gives all its text.
    """
    html = decode_text(task.data, task.content_type, task.media_type)
    # Text with lone surrogates, which some decoders pass, cannot be written.
    html = html.encode("utf-8", "replace").decode()
    tree = turbohtml.parse(html, scripting=True)
    title, declared = document_title(tree), _declared_language(tree)
    base_url = _base_url(tree, task.url)
    found = _main_content(html, base_url, markdown=task.markdown)
    if found is None:
        found = _all_content(tree, base_url, markdown=task.markdown)
    text, markdown = (each.strip()[:MAX_TEXT_CHARACTERS] for each in found)
    signature = b""
    if task.signature:
        # Imported late: most runs do not compare pages.
        from downloader.extract.near_duplicates import text_signature

        signature = text_signature(text)
    language = text_language(text, declared)
    return PageContent(title[:_MAX_TITLE_CHARACTERS], language, text, markdown, signature)


def _main_content(html: str, base_url: str, *, markdown: bool) -> tuple[str, str] | None:
    """Return the main content as text and as Markdown, if that is wanted; None if there is none."""
    document = trafilatura.bare_extraction(
        html,
        # The fallbacks take as long again, and find no more: see benchmarks/extraction.
        fast=True,
        favor_recall=True,
        include_formatting=markdown,
        include_links=True,
        include_images=markdown,
    )
    if not isinstance(document, trafilatura.settings.Document) or document.body is None:
        return None
    # The comments of readers are a tree of their own.
    parts = [each for each in (document.body, document.commentsbody) if each is not None]
    for part in parts:
        _resolve_links(part, base_url)
    as_markdown = "\n\n".join(xmltotxt(part, True) for part in parts) if markdown else ""
    for part in parts:
        etree.strip_tags(part, "ref")
        etree.strip_elements(part, "graphic", with_tail=False)
    text = "\n".join(xmltotxt(part, False) for part in parts)
    return (text, as_markdown) if text.strip() else None


def _all_content(tree: turbohtml.Document, base_url: str, *, markdown: bool) -> tuple[str, str]:
    """Return all text of a page, or of the element that it calls its main content."""
    text = document_text(tree)
    part = tree.select_one("main") or tree.select_one("[role=main]")
    if part is not None:
        text = part.to_text() or text
    if not markdown:
        return text, ""
    tree.rewrite_links(partial(_absolute, base_url))
    return text, (part or tree).to_markdown()


def _resolve_links(body: etree._Element, base_url: str) -> None:
    """Make the links of the content absolute, and remove those of headings to themselves."""
    for reference in list(body.iter("ref")):
        if (reference.text or "").strip() in _PERMALINKS and not len(reference):
            reference.text = ""
            reference.tag = _REMOVED
        else:
            _resolve(reference, "target", base_url)
    etree.strip_elements(body, _REMOVED, with_tail=False)
    for image in body.iter("graphic"):
        _resolve(image, "src", base_url)


def _resolve(element: etree._Element, attribute: str, base_url: str) -> None:
    reference = element.get(attribute)
    if reference:
        element.set(attribute, _absolute(base_url, reference))


def _absolute(base_url: str, reference: str) -> str:
    """Return the URL that *reference* stands for; what is no URL stays as it is."""
    try:
        return urljoin(base_url, reference)
    except ValueError:
        return reference


def _base_url(tree: turbohtml.Document, url: str) -> str:
    base = tree.select_one("base[href]")
    return url if base is None else _absolute(url, base.attr("href") or "")


def _declared_language(tree: turbohtml.Document) -> str:
    root = tree.select_one("html[lang]")
    return (root.attr("lang") or "") if root is not None else ""
