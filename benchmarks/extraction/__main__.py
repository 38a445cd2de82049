"""Precision, recall and CPU time of libraries that extract the main content of pages.

    python -m benchmarks.extraction [--sphinx DIR] [--asciidoc DIR] [--nodejs DIR]

The pages are thirty that are made here, and of each folder the first ones in the order of a seeded
shuffle: documentation made by Sphinx (its main content is ``div.body``), by AsciiDoc (``#content``)
and that of Node.js (``#apicontent``), such as Debian's packages install. trafilatura has to be
installed. Words are compared as multisets; in scripts without spaces, each character is one.
"""

import argparse
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import turbohtml

from benchmarks.extraction.handmade import KnownPage, handmade_pages
from downloader.extract.page_content import extract_page
from downloader.extract.protocol import PageTask
from downloader.links.page_text import page_text

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
#: By option: the selectors of the main content and of what it is without, and the number of pages.
_SOURCES = {
    "sphinx": ("div.body, div#docs-content, div.yui-b > div.yui-g", ".headerlink", 34),
    "asciidoc": ("#content", ".toc", 21),
    "nodejs": ("#apicontent", ".mark, .toc, #toc", 15),
}
_ROUNDS = 5

Extractor = Callable[[str], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in _SOURCES:
        parser.add_argument(f"--{name}", type=Path, action="append", default=[])
    arguments = vars(parser.parse_args())
    pages = list(handmade_pages())
    for name, folders in arguments.items():
        for folder in folders:
            pages += _documentation(name, folder, _SOURCES[name][2] // len(folders))
    kilobytes = sum(len(page.html) for page in pages) / len(pages) / 1000
    print(f"{len(pages)} pages of {kilobytes:.0f} kB on average\n")
    print(f"{'':<40}{'precision':>10}{'recall':>8}{'F1':>6}{'ms/page':>9}")
    for name, extractor in extractors().items():
        _measure(name, extractor, pages)


def extractors() -> dict[str, Extractor]:
    """Return the candidates; each returns the main content of a page as text."""
    import trafilatura

    def article(html: str) -> str:
        found = turbohtml.parse(html, scripting=True).article()
        if found.element is not None:
            found.element.to_markdown()
        return found.text

    def plain(html: str) -> str:
        return trafilatura.extract(html) or ""

    def fast(html: str) -> str:
        return trafilatura.extract(html, fast=True, favor_recall=True) or ""

    def whole(html: str) -> str:
        return page_text(html).text

    return {
        "all text of the page": whole,
        "turbohtml, article and to_markdown": article,
        "trafilatura, text": plain,
        "trafilatura, fast, favor_recall, text": fast,
        "--extract text": lambda html: _ours(html, markdown=False),
        "--extract text,markdown": lambda html: _ours(html, markdown=True),
    }


def _ours(html: str, *, markdown: bool) -> str:
    task = PageTask(html.encode(), "", "text/html", "http://h/", markdown, signature=False)
    return extract_page(task).text


def _measure(name: str, extractor: Extractor, pages: Sequence[KnownPage]) -> None:
    scores: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for page in pages:
        scores[page.kind].append(_score(extractor(page.html), page.content))
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for page in pages:
            extractor(page.html)
        times.append((time.process_time() - began) / len(pages) * 1000)
    everything = [score for kind in scores.values() for score in kind]
    precision, recall, f1 = (sum(column) / len(column) for column in zip(*everything, strict=True))
    print(f"{name:<40}{precision:>10.3f}{recall:>8.3f}{f1:>6.3f}{min(times):>9.2f}")
    kinds = (f"{kind} {sum(s[2] for s in each) / len(each):.2f}" for kind, each in scores.items())
    print(f"    F1: {', '.join(kinds)}")


def _score(found: str, expected: str) -> tuple[float, float, float]:
    found_words, expected_words = (Counter(_WORD.findall(text)) for text in (found, expected))
    common = (found_words & expected_words).total()
    precision = common / max(1, found_words.total())
    recall = common / max(1, expected_words.total())
    f1 = 2 * precision * recall / (precision + recall) if common else 0.0
    return precision, recall, f1


def _documentation(name: str, folder: Path, count: int) -> Iterator[KnownPage]:
    selector, not_content, _ = _SOURCES[name]
    files = sorted(folder.rglob("*.html"))
    random.Random(1).shuffle(files)
    for file in files:
        html = file.read_text("utf-8", "replace")
        tree = turbohtml.parse(html, scripting=True)
        main = tree.select_one(selector)
        if main is None or len(html) > 500_000 or len(main.text) < 300:
            continue
        for element in main.select(not_content):
            element.decompose()
        yield KnownPage(f"{name} {folder.parent.name}", html, main.text, "en")
        if not (count := count - 1):
            return


if __name__ == "__main__":
    main()
