"""The main content of pages, its language, names of texts, and pages with nearly the same text."""

import io
import pickle

import pytest

from downloader.extract.language import text_language
from downloader.extract.near_duplicates import NearDuplicateIndex, text_signature
from downloader.extract.page_content import extract_page
from downloader.extract.protocol import ExtractionFailure, PageContent, PageTask
from downloader.extract.worker import serve
from downloader.journal.naming import Naming
from downloader.models import Options, Target, TextFormat
from downloader.web.filenames import ExtensionRule, FileName, SafePath
from downloader.web.text_names import is_text_name, text_path
from downloader.web.urls import Url

SENTENCES = [
    "The bridge over the old harbour opened to traffic again on Monday, three weeks late.",
    "Engineers replaced forty cables, two bearings and most of the railing on the east side.",
    "The work cost nine million, which the city and the region paid in equal shares.",
]
TEXT = " ".join(SENTENCES)
NEWS = (
    "<!doctype html><html lang=de><title> The  bridge </title><base href='/news/'>"
    "<nav><ul><li><a href=/>Home</a><li><a href=/sport>Sport</a></ul></nav>"
    f"<main><article><h1>Reopened<a href='#top'>¶</a></h1><p>{SENTENCES[0]} {SENTENCES[1]}</p>"
    f"<p>{SENTENCES[2]} <a href='more.html#x'>Read on</a></p></article></main>"
    "<footer>All rights reserved, imprint</footer></html>"
)


def extracted(html: str | bytes, *, markdown: bool = True, content_type: str = "") -> PageContent:
    data = html.encode() if isinstance(html, str) else html
    url = "http://h/a/b.html"
    return extract_page(PageTask(data, content_type, "text/html", url, markdown, signature=True))


# Content


def test_the_main_content_is_found_as_text_and_as_markdown_with_absolute_links() -> None:
    page = extracted(NEWS)
    assert page.title == "The bridge"
    assert page.language == "en", "as the text is written, whatever the page declares"
    assert page.text.split() == f"Reopened {TEXT} Read on".split()
    assert page.markdown.startswith(f"# Reopened\n\n{SENTENCES[0]}")
    assert "[Read on](http://h/news/more.html#x)" in page.markdown
    assert extracted(NEWS, markdown=False) == PageContent(
        page.title, page.language, page.text, "", page.signature
    )


def test_tables_lists_and_code_are_kept() -> None:
    rows = "".join(f"<tr><td>{n}<td>{each}</tr>" for n, each in enumerate(SENTENCES))
    page = extracted(
        f"<main><h1>Costs</h1><p>{TEXT}</p><table>{rows}</table><ul><li>one<li>two</ul>"
        "<pre>print('*')\n  indented</pre></main>"
    )
    assert "|" in page.markdown
    assert "- one\n- two" in page.markdown
    assert "```\nprint('*')\n  indented\n```" in page.markdown
    for sentence in SENTENCES:
        assert page.text.count(sentence) == 2


@pytest.mark.parametrize(
    ("encoding", "declares", "content_type"),
    [
        ("windows-1251", True, "text/html"),
        ("koi8-r", False, "text/html; charset=koi8-r"),
        ("utf-16", False, "text/html"),
    ],
)
def test_text_is_decoded_as_a_browser_does(
    encoding: str, declares: bool, content_type: str
) -> None:
    text = "Мост через старую гавань снова открылся для движения в понедельник, с опозданием."
    meta = f"<meta charset={encoding}>" if declares else ""
    page = extracted(
        f"{meta}<main><p>{text}</p></main>".encode(encoding), content_type=content_type
    )
    assert (page.text, page.language) == (text, "ru")


def test_a_page_without_main_content_gives_all_its_text() -> None:
    page = extracted("<title>Links</title><ul><li><a href=/a>A</a><li><a href=/b>B</a></ul>")
    assert page.text.split() == ["A", "B"]
    assert "A" in page.markdown
    assert page.signature == b""


@pytest.mark.parametrize("html", ["", "<", "<html", "\0" * 100, "<title>t</title>", "\ud800x"])
def test_a_page_without_text_is_no_failure(html: str) -> None:
    page = extracted(html.encode("utf-8", "surrogatepass"))
    assert page.language == ""
    page.text.encode()


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 20_000 + TEXT,
        "<blockquote>text, " * 20_000,
        "<ul><li>text " * 20_000,
        "<table><tr><td>" * 5_000 + TEXT,
        "<table>" + "<tr><td rowspan=65000 colspan=1000>x" * 500,
        f"<main><p>{TEXT}</p>" + "<p><b>" * 5_000,
        f"<main><p>{TEXT}</p><p>" + "*_`[" * 20_000,
        f"<main><p>{TEXT} <a href='http://[bad'>x</a> <img src='//['></p></main>",
    ],
)
def test_hostile_markup_takes_linear_time(html: str) -> None:
    page = extracted(html)
    assert len(page.markdown) < 20 * len(html)


def test_the_worker_answers_every_task_and_outlives_a_failure() -> None:
    good = PageTask(NEWS.encode(), "", "text/html", "http://h/", markdown=False, signature=False)
    broken = PageTask(None, "", "text/html", "", markdown=False, signature=False)  # type: ignore[arg-type]
    tasks = io.BytesIO(b"".join(map(pickle.dumps, (broken, good))))
    results = io.BytesIO()
    with pytest.raises(EOFError):
        serve(tasks, results)
    results.seek(0)
    failure, page = pickle.load(results), pickle.load(results)
    assert failure == ExtractionFailure("the extractor failed: TypeError")
    assert page.title == "The bridge"


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        ("Der Hund läuft über die Straße und bellt.", "en", "de"),
        ("Hallo Welt", "de-AT", "de-AT"),
        ("Hallo Welt", "not a tag!", ""),
        ("これは日本語の文章です。", "", "ja"),
        ("一座跨越旧港口的桥梁于星期一重新开放。", "", "zh"),
        ("12 34", "", ""),
    ],
)
def test_the_language_is_that_of_the_text_if_it_is_long_enough(
    text: str, declared: str, language: str
) -> None:
    assert text_language(text, declared) == language


# Names


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("h/a.html", "h/a.html.txt"),
        ("h/a.XHTML", "h/a.XHTML.txt"),
        ("h/a", "h/a.page.txt"),
        ("h/a.page", "h/a.page.page.txt"),
        ("a.php", "a.php.page.txt"),
    ],
)
def test_every_page_has_a_text_of_its_own(page: str, text: str) -> None:
    assert text_path(SafePath(page), TextFormat.TEXT) == text
    assert text_path(SafePath(page), TextFormat.MARKDOWN) == f"{text.removesuffix('.txt')}.md"
    assert is_text_name(FileName(text, ExtensionRule.NEVER))
    assert not is_text_name(FileName(page, ExtensionRule.NEVER))


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("a.html.md", True),
        ("A.HTM.TXT", True),
        ("a.txt", False),
        ("readme.md", False),
        ("a.html", False),
        ("a?q=b.html", True),
    ],
)
def test_names_of_texts_are_left_to_them(path: str, taken: bool) -> None:
    target = Target(url=Url(f"http://h/{path}"), index=0, origin="x")
    plain = next(Naming(Options()).candidates(target))
    name = next(Naming(Options(extract=(TextFormat.TEXT,))).candidates(target))
    assert (name != plain) == taken
    assert not is_text_name(name)


def test_the_names_that_lists_give_are_left_to_texts_too() -> None:
    target = Target(url=Url("http://h/"), index=0, origin="x", name="a.html.txt")
    name = next(Naming(Options(extract=(TextFormat.TEXT,))).candidates(target))
    assert name.base.startswith("a.html~")


# Near-duplicates


def test_pages_with_nearly_the_same_text_are_found_and_others_are_not() -> None:
    index = NearDuplicateIndex()
    long = " ".join(f"word{n}" for n in range(300))
    assert index.find_or_add("first", text_signature(long)) == ""
    assert index.find_or_add("second", text_signature(f"{long} updated today")) == "first"
    other = " ".join(f"other{n}" for n in range(300))
    assert index.find_or_add("other", text_signature(other)) == ""
    assert index.find_or_add("short", text_signature("404 not found")) == ""


def test_more_pages_than_are_remembered_are_left_out_with_a_mark() -> None:
    texts = [" ".join(f"{letter}{n}" for n in range(99)) for letter in "abb"]
    index = NearDuplicateIndex(max_pages=1)
    found = [index.find_or_add(str(n), text_signature(text)) for n, text in enumerate(texts)]
    assert (found, index.is_full) == (["", "", ""], True)


def test_scripts_without_spaces_are_compared_by_characters() -> None:
    index = NearDuplicateIndex()
    text = "古い港にかかる橋は、予定より三週間遅れて、月曜日に再び通行できるようになった。" * 3
    assert index.find_or_add("first", text_signature(text)) == ""
    assert index.find_or_add("second", text_signature(f"{text}終")) == "first"
