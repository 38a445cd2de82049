"""Pure parts of the comparison that docs/explanation/mirror-comparison.md describes."""

from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from benchmarks.mirrors.matching import file_of, missing, sorted_links, spread
from benchmarks.mirrors.model import Attempt, Comparison, Links, Resource, Verdict, total
from benchmarks.mirrors.table import markdown

PAGE = "http://127.0.0.1:8081/library/os.path.html"


@given(st.lists(st.integers().map(str), unique=True), st.integers(1, 50))
def test_pages_are_spread_evenly(items: list[str], count: int) -> None:
    chosen = spread(items, count)
    assert len(chosen) == min(count, len(items))
    assert chosen == sorted(set(chosen), key=items.index)
    places = [items.index(item) for item in chosen]
    gaps = {b - a for a, b in pairwise(places)}
    assert not gaps or max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("file", "tool"),
    [
        ("127.0.0.1_8081/library/os.path.html", "download, HTTrack"),
        ("127.0.0.1:8081/library/os.path.html", "wget"),
        ("127.0.0.1/library/os.path.html", "wget2"),
        ("127.0.0.1/library/os.path.html.html", "a tool that always adds the extension"),
        ("127.0.0.1_8081/library/os.path.xhtml", "a tool that changes it"),
        ("127.0.0.1_8081/library/os.path-2.html", "a tool that tells names apart"),
    ],
)
def test_a_page_is_found_under_any_tools_name(file: str, tool: str) -> None:
    others = ["127.0.0.1/os.path.html", "localhost/library/os.path.html", "index.html", "127.0.0.1"]
    others += ["127.0.0.1/library/os.html", "127.0.0.1/library/os.path.css"]
    assert file_of(PAGE, [*others, file]) == file, tool
    assert file_of(PAGE, others) is None


def test_the_nearest_name_is_the_page() -> None:
    files = [f"127.0.0.1/library/os.path{rest}" for rest in ("-2.html", ".html", ".html.html")]
    assert file_of(PAGE, files) == "127.0.0.1/library/os.path.html"
    assert file_of("http://a/caf%C3%A9.html", ["a/café.html"]) == "a/café.html"


def test_a_resource_is_known_by_its_bytes_or_else_by_its_name() -> None:
    online = [Resource("a.png", "1"), Resource("style.css?v=1", "2"), Resource("app.js", "3")]
    renamed = Resource("a@x=1.png", "1")
    rewritten = Resource("style8fd2.css", "9")
    assert missing(online, [renamed, rewritten]) == ("app.js",)
    assert missing(online, [*online]) == ()
    assert missing([Resource("style.css", "1")], [Resource("style.png", "2")]) == ("style.css",)
    assert missing(online, []) == ("a.png", "style.css?v=1", "app.js")


def test_one_file_does_not_stand_for_two_resources() -> None:
    twice = [Resource("style.css", "1"), Resource("style.css?print", "2")]
    assert missing(twice, [Resource("style.css", "9")]) == ("style.css?print",)
    same = [Resource("a.png", "1"), Resource("b.png", "1")]
    assert missing(same, [Resource("a.png", "1")]) == ("b.png",)


def test_bytes_count_before_names() -> None:
    online = [Resource("a.css", "1"), Resource("ab.css", "2")]
    assert missing(online, [Resource("ab.css", "2")]) == ("a.css",)


@pytest.mark.parametrize("root", ["http://127.0.0.1:9/", "file:///tmp/mirror/"])
def test_links_lead_to_files_to_the_web_or_nowhere(root: str) -> None:
    files = {"a/b c.html", "a/index.html"}
    links = [
        *(f"{root}a/b%20c.html?q#part", f"{root}a/index.html", f"{root}gone.html"),
        *("https://example.org/", "http://127.0.0.1:10/", "mailto:a@example.org"),
    ]
    assert sorted_links(links, root, files.__contains__) == Links(
        local=tuple(links[:2]), absolute=tuple(links[3:5]), dangling=(links[2],)
    )


def test_a_link_out_of_a_mirror_on_disk_dangles() -> None:
    links = sorted_links(["file:///sub/page.html"], "file:///tmp/mirror/", lambda _: True)
    assert links.dangling == ("file:///sub/page.html",)


GOOD = Verdict("http://a/1", "a/1.html", 3, (), (), identical=True, links=Links(("x",), ("y",)))
BAD = Verdict("http://a/2", None, 2, ("p", "q"), ("r",), identical=False, links=Links((), (), ()))


def test_verdicts_are_summed() -> None:
    sums = total([GOOD, BAD])
    assert (sums.found, sums.pages) == (1, 2)
    assert (sums.loaded, sums.resources, sums.failed) == (3, 5, 1)
    assert (sums.identical, sums.local, sums.absolute, sums.dangling) == (1, 1, 1, 0)


def test_the_tables_fit_the_page_and_say_what_was_stopped() -> None:
    attempts = (
        Attempt("download", 1.25, 0.5, 0, False, (GOOD, BAD), (GOOD, GOOD), (GOOD,)),
        Attempt("wget2", 600, 0.5, -9, True, (BAD, BAD), (BAD, BAD)),
    )
    shown = markdown([Comparison("python3.11-doc", 2, 5, 1, 2, 0, attempts)])
    rows = [" ".join(line.split()) for line in shown.splitlines() if line.startswith("|")]
    assert max(map(len, shown.splitlines())) <= 100
    assert "| download | 1/2 | 3/5 | 1 | 1/2 | 1 | 1 | 0 | 0.50 | 1.2 |" in rows[3]
    assert rows[4].endswith("| 0.50 | > 600 |")
    assert rows[-1] == "| python3.11-doc | 6/6, 2/2 | 3/3, 1/1 | 0/4, 0/2 |"


def test_a_page_that_differs_is_looked_at_again() -> None:
    assert not GOOD.doubtful
    assert replace(GOOD, identical=False).doubtful
    assert replace(GOOD, missing=("icon.png",)).doubtful
    assert not replace(GOOD, failed=("http://a/gone-online-too.png",)).doubtful
    assert not BAD.doubtful
    assert max(replace(GOOD, missing=("icon.png",)), GOOD, key=lambda one: one.merit) is GOOD
