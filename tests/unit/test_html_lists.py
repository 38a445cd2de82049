"""A page is a list of its links: bookmarks, saved pages, pages on standard input."""

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.errors import SourceError
from downloader.links.anchor_stream import MAX_TOKEN_LENGTH
from downloader.models import Target
from downloader.sources import ListSettings
from downloader.sources.list_reader import ListReader
from downloader.web.urls import parse
from tests.support.lists import addresses, entries, failed, no_fetching, origins, stream, target

A, B = "https://a.example/?x=1&y=2", "https://b.example/"
BOOKMARKS = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<!-- This is an automatically generated file. -->
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
<TITLE>Bookmarks</TITLE>
<DL><p>
    <DT><H3>Folder</H3>
    <DL><p>
        <DT><A HREF="https://a.example/?x=1&amp;y=2" ADD_DATE="1" ICON="data:,x">a</A>
        <DT><A HREF="place:sort=8">recent</A>
        <DT><A HREF="javascript:void(0)">bookmarklet</A>
        <DT><A HREF='https://b.example/#part'>b</A>
    </DL><p>
</DL>
"""
STEPS = pytest.mark.parametrize("step", [None, 1, 7])


@STEPS
@pytest.mark.parametrize("name", ["bookmarks.html", "list", "bookmarks.htm"])
def test_exported_bookmarks_are_a_list(name: str, step: int | None) -> None:
    found = entries(BOOKMARKS, name, step)
    assert addresses(found) == [A, B]
    assert origins(found) == [f"{name}:8", f"{name}:11"]


@STEPS
@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><p><a href=https://b.example/>",
        "\ufeff\n<HTML><A HREF = 'https://b.example/'>",
        "<?xml version='1.0'?>\n<!DOCTYPE html><html><a href='https://b.example/'/></html>",
        "<!-- saved from url=(0014)about:internet -->\n<area href=https://b.example/>",
        "<p>See <a class=x href='  https://b.\nexample/ '>this</a>",
        "<ul><li><a title='a > b' href=https://b.example/>",
    ],
)
def test_a_page_on_standard_input_is_known_by_its_beginning(page: str, step: int | None) -> None:
    assert addresses(entries(page, "stdin", step)) == [B]


def test_an_address_in_angle_brackets_is_no_page() -> None:
    assert addresses(entries("<https://b.example/>\n<URL:https://b.example/>\n")) == [B, B]


def test_only_links_that_can_be_followed_count() -> None:
    page = (
        "<a name=x><a href><a href=''><a href='#part'><a href=mailto:x@y><a href='tel:1'>"
        "<!-- <a href=https://no.example/> --><script>'<a href=https://no.example/>'</script>"
        "<style><a href=https://no.example/></style><link href=https://no.example/>"
        "<img src=https://no.example/><template><a href=https://b.example/></template>"
    )
    assert addresses(entries(page, "page.html")) == [B]


def test_relative_links_refer_to_the_base_of_the_page_or_of_the_command_line() -> None:
    page = "<html><a href=a><a href=/b?c><a href=//b.example/><a href=https://b.example/>"
    found = entries(page, "page.html")
    assert addresses(found) == ["?a?", "?/b?c?", "?//b.example/?", B]
    assert failed(found[0]).message == "a relative link"
    assert failed(found[0]).hint == "say where the page is from with --base URL"
    there = ["https://s.example/x/a", "https://s.example/b?c", B, B]
    given_base = ListSettings(base_url=parse("https://s.example/x/y"))
    assert addresses(entries(page, "page.html", settings=given_base)) == there
    based = page.replace("<html>", "<html><base href=https://s.example/x/y><base href=/no/>")
    assert addresses(entries(based, "page.html")) == there
    relative_base = page.replace("<html>", "<html><base href=/x/y>")
    given_base = ListSettings(base_url=parse("https://s.example/page"))
    assert addresses(entries(relative_base, "page.html", settings=given_base)) == there


@pytest.mark.parametrize("bad", ["https://exa mple/", "http://h:bad/", "https://"])
def test_a_link_that_is_no_address_fails_alone(bad: str) -> None:
    for settings_ in (ListSettings(), ListSettings(base_url=parse(B))):
        page = f"<html>\n<a href='{bad}'>\n<a href={B}>"
        first, second = entries(page, "page.html", settings=settings_)
        assert failed(first).origin == "page.html:2"
        assert target(second).url == B


def test_a_declared_encoding_is_obeyed() -> None:
    page = "<html><meta charset=windows-1251><a href='https://b.example/ж'>"
    found = entries(page.encode("windows-1251"), "page.html")
    assert addresses(found) == ["https://b.example/%D0%B6"]


def test_links_are_found_as_the_page_arrives() -> None:
    pulled = 0

    def arriving() -> Iterator[bytes]:
        nonlocal pulled
        for piece in (b"<html><a href=https://a.example/>" + b" " * 2000, b"<a href=https://b"):
            pulled += 1
            yield piece

    found = stream(arriving(), "page.html")
    assert target(next(found)).url == "https://a.example/"
    assert pulled == 1


def test_a_hundred_thousand_links_do_not_fill_memory() -> None:
    def page(links: int) -> Iterator[bytes]:
        yield b"<!doctype html><ul>"
        for number in range(0, links, 1000):
            yield b"".join(
                b"<li><a href=https://%d.example/>%d</a>\n" % (each, each)
                for each in range(number, number + 1000)
            )

    def count(links: int) -> int:
        return sum(1 for _ in ListReader(no_fetching).lines(page(links), "x.html", "x.html"))

    count(1000)
    tracemalloc.start()
    assert count(100_000) == 100_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize("opening", [b"<html><a href='", b"<html><!--", b"<html><script>"])
def test_what_has_no_end_is_given_up_after_the_links_before(opening: bytes) -> None:
    pulled = 0

    def arriving() -> Iterator[bytes]:
        nonlocal pulled
        yield b"<html><a href=https://b.example/>" + opening
        while True:
            pulled += 1
            yield b"x" * (1024 * 1024)

    found = stream(arriving(), "page.html")
    assert target(next(found)).url == B
    with pytest.raises(SourceError, match="has a tag, comment or script that is too long"):
        next(found)
    assert pulled <= MAX_TOKEN_LENGTH // (1024 * 1024) + 2


@given(
    parts=st.lists(
        st.sampled_from(["<p>", "</a>", "<", ">", "'", '"', "<!", "&", "<td\n", "é"])
        | st.integers(0, 9),
        max_size=20,
    ),
    step=st.integers(1, 30),
)
@settings(max_examples=200, deadline=None)
def test_how_a_page_arrives_does_not_change_its_links(parts: list[str | int], step: int) -> None:
    page = "<html>" + "".join(
        f"<a href='https://{part}.example/'>" if isinstance(part, int) else part for part in parts
    )
    assert entries(page, "page.html", step) == entries(page, "page.html")


@given(hosts=st.lists(st.integers(0, 9), max_size=20), spaces=st.sampled_from(["", "\n", " \t"]))
@settings(max_examples=100, deadline=None)
def test_every_link_of_a_proper_page_is_found_in_order(hosts: list[int], spaces: str) -> None:
    page = "<html>" + spaces.join(f'<a href="https://{each}.example/">x</a>' for each in hosts)
    found = entries(page, "page.html")
    assert all(isinstance(entry, Target) for entry in found)
    assert addresses(found) == [f"https://{each}.example/" for each in hosts]
