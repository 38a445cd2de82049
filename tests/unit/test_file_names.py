"""One URL and one content type decide one name, which is safe on every file system."""

import re

import pytest
from hypothesis import example, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from downloader.errors import BadUrlError, BlockedError
from downloader.web.filenames import ExtensionRule, fold
from downloader.web.media_types import MAX_EXTENSION_LENGTH, media_type_table
from downloader.web.path_parts import PART
from downloader.web.url_names import FolderLayout, candidates, names_from_list, shortened
from downloader.web.urls import parse
from tests.support.safe_names import MEDIA_TYPES, assert_safe

HTML, PNG, CSS = "text/html", "image/png", "text/css"
FAST = settings(max_examples=150, deadline=None)


def _first(address: str, media_type: str = HTML) -> str:
    return next(candidates(parse(address))).path(media_type)


@pytest.mark.parametrize(
    ("address", "media_type", "path"),
    [
        # A site's own page has the name of the site.
        ("https://www.python.org", HTML, "www.python.org.html"),
        ("https://www.python.org/", HTML, "www.python.org.html"),
        ("http://127.0.0.1:8081/", HTML, "127.0.0.1_8081.html"),
        ("http://[::1]:8081/", HTML, "__1_8081.html"),
        ("https://bücher.example/", HTML, "xn--bcher-kva.example.html"),
        ("https://example.org/?q=1", HTML, "example.org@q=1.html"),
        # A folder's page is its index.
        ("https://docs.python.org/3/library/", HTML, "docs.python.org/3/library/index.html"),
        ("https://example.org/a/?q=1", HTML, "example.org/a/index@q=1.html"),
        # An extension stays; markup gets one that a browser knows.
        (
            "https://docs.python.org/3/library/asyncio.html",
            HTML,
            "docs.python.org/3/library/asyncio.html",
        ),
        ("https://example.org/a.htm", HTML, "example.org/a.htm"),
        ("https://example.org/a.HTML", HTML, "example.org/a.HTML"),
        ("https://example.org/a.php", HTML, "example.org/a.php.html"),
        ("https://example.org/a.php", CSS, "example.org/a.php.css"),
        ("https://example.org/a.php", PNG, "example.org/a.php"),
        ("https://example.org/a.png", PNG, "example.org/a.png"),
        ("https://example.org/a.tar.gz", "application/gzip", "example.org/a.tar.gz"),
        # Without one, the content type gives it.
        ("https://docs.python.org/3/whatsnew", HTML, "docs.python.org/3/whatsnew.html"),
        ("https://example.org/logo", PNG, "example.org/logo.png"),
        ("https://example.org/data", "", "example.org/data.bin"),
        ("https://example.org/data", "application/x-unheard-of", "example.org/data.bin"),
        # A version is no extension, and neither is a leading dot.
        ("https://docs.python.org/3.11", HTML, "docs.python.org/3.11.html"),
        ("https://example.org/.profile", "text/plain", "example.org/.profile.txt"),
        # The query is inside the name, before the extension.
        ("https://example.org/get?id=7", HTML, "example.org/get@id=7.html"),
        ("https://example.org/get.php?id=7", HTML, "example.org/get@id=7.php.html"),
        ("https://example.org/a.png?v=1.2.3", PNG, "example.org/a@v=1.2.3.png"),
        # Text in any script stays readable.
        ("https://example.org/%E4%B8%96%20x", HTML, "example.org/世 x.html"),
    ],
)
def test_a_name_is_made_as_designed(address: str, media_type: str, path: str) -> None:
    assert _first(address, media_type) == path


_MARK = "~[a-z2-7]{10}"


@pytest.mark.parametrize(
    ("address", "pattern"),
    [
        # What cannot be a name as it stands is told apart by a short hash.
        ("https://example.org/con", rf"example\.org/con_{_MARK}\.html"),
        ("https://example.org/aux.txt/x", rf"example\.org/aux_\.txt/x{_MARK}\.html"),
        ("https://example.org/aux%20.txt/x", rf"example\.org/_aux \.txt/x{_MARK}\.html"),
        ("https://example.org/nul%20", rf"example\.org/_nul{_MARK}\.html"),
        ("https://example.org/conin$", rf"example\.org/_conin\${_MARK}\.html"),
        ("https://example.org/a%3Ab", rf"example\.org/a_b{_MARK}\.html"),
        ("https://example.org/a%2F..%2Fb", rf"example\.org/a_\.\._b{_MARK}\.html"),
        ("https://example.org/a%5C..%5Cb", rf"example\.org/a_\.\._b{_MARK}\.html"),
        ("https://example.org/a%00b%1B", rf"example\.org/a_b_{_MARK}\.html"),
        ("https://example.org/%E2%80%AEfdp.exe", rf"example\.org/_fdp{_MARK}\.exe\.html"),
        ("https://example.org/a.", rf"example\.org/a{_MARK}\.html"),
        ("https://example.org/a./b", rf"example\.org/a/b{_MARK}\.html"),
        ("https://example.org/a%20/b", rf"example\.org/a/b{_MARK}\.html"),
        ("https://example.org//b", rf"example\.org/_/b{_MARK}\.html"),
        ("https://example.org/a.part", rf"example\.org/a\.part_{_MARK}\.html"),
        ("https://example.org/a.PART", rf"example\.org/a\.PART_{_MARK}\.html"),
        ("https://.example.org/", rf"_\.example\.org{_MARK}\.html"),
        ("https://example.org/" + "x" * 300, rf"example\.org/x{{150}}_{_MARK}\.html"),
        ("https://example.org/a?" + "x" * 101, rf"example\.org/a@x{{100}}{_MARK}\.html"),
        ("https://example.org/" + "x/" * 600, rf"_/index{_MARK}\.html"),
    ],
)
def test_what_is_ambiguous_gets_a_hash_before_the_extension(address: str, pattern: str) -> None:
    assert re.fullmatch(pattern, _first(address))


def test_a_name_that_is_cut_does_not_end_in_what_windows_drops() -> None:
    for end in (".", "%20", ".part", ".PART"):
        # The cut is after 150 bytes, and these segments have the dangerous end just there.
        folder = "x" * (150 - len(end.replace("%20", " "))) + end + "x" * 200
        for name in candidates(parse(f"https://example.org/{folder}/a")):
            assert_safe(name.path(HTML))


def test_the_full_hash_is_the_last_resort() -> None:
    names = [name.base for name in candidates(parse("https://example.org/a/b"))]
    assert names[0] == "example.org/a/b"
    assert re.fullmatch(r"example\.org/a/b~[a-z2-7]{10}", names[1])
    assert re.fullmatch(r"_/b~[a-z2-7]{10}", names[2])
    assert re.fullmatch(r"_/b~[a-z2-7]{52}", names[3])


def test_a_password_has_no_part_in_a_name() -> None:
    one, other = (
        list(candidates(parse(f"https://user{password}@example.org/a%00")))
        for password in (":first", ":second")
    )
    assert one == other


def test_extensions_are_simple_and_fit_beside_the_longest_name() -> None:
    appendable = media_type_table().appendable
    assert all(re.fullmatch(r"\.(?=[0-9]*[a-z])[a-z0-9]+", extension) for extension in appendable)
    assert max(map(len, appendable)) <= MAX_EXTENSION_LENGTH


@hypothesis_given(
    path=st.text(max_size=30) | st.text("./\\% :conauxpt~\0é\u0301", max_size=30),
    host=st.text("a.b-_", min_size=1, max_size=6) | st.sampled_from(["con", "[::1]", "h:81"]),
    long=st.integers(0, 400),
)
@example(path="con.", host="con", long=0)
@example(path="con %2e", host="h", long=0)
@FAST
def test_every_candidate_of_every_url_is_safe(path: str, host: str, long: int) -> None:
    try:
        url = parse(f"https://{host}/{path}{'é.' * long}{path}?{path}")
    except BadUrlError:
        return
    for name in candidates(url):
        for media_type in (HTML, PNG, CSS, "", "application/manifest+json"):
            assert_safe(name.path(media_type))


# Names that a list gives


URL = parse("https://example.org/x")


def _from_list(name: str) -> list[str]:
    names = list(names_from_list(name, URL))
    assert {each.extension_rule for each in names} == {ExtensionRule.NEVER}
    return [each.base for each in names]


@pytest.mark.parametrize(
    "name",
    ["a", "a.txt", "folder/b.txt", ".hidden/x"[1:], "世界.html", "a b/c", "100%.txt", "a%20b", "_"],
)
def test_a_name_that_a_list_gives_is_taken_to_the_letter(name: str) -> None:
    assert _from_list(name)[0] == name
    given = next(names_from_list(name, URL))
    assert {given.path(media_type) for media_type in MEDIA_TYPES} == {name}


def test_a_given_name_may_be_written_as_on_windows() -> None:
    assert _from_list("folder\\b.txt")[0] == "folder/b.txt"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "\\\\server\\share",
        "C:\\x",
        "c:/x",
        "C:",
        "../x",
        "a/../x",
        "a\\..\\x",
        "..",
        "a/ .. /x",
        " /x",
    ],
)
def test_a_given_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(BlockedError, match="leads out of the output folder") as caught:
        list(names_from_list(name, URL))
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", " ", ".", "./."])
def test_a_given_name_that_is_empty_is_refused(name: str) -> None:
    with pytest.raises(BlockedError, match="is empty"):
        list(names_from_list(name, URL))


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("same.txt", "same.txt"),
        ("./a", "a"),
        ("a//b", "a/b"),
        ("a/", "a"),
        (".journal", "_.journal"),
        (".download/journal.sqlite3", "_.download/journal.sqlite3"),
        ("con", "con_"),
        ("LPT1.txt", "LPT1_.txt"),
        ("aux .txt", "_aux .txt"),
        ("a.", "a"),
        ("a ", "a"),
        (" a", "a"),
        ("a: b?.txt", "a_ b_.txt"),
        ("C:x", "C_x"),
        ("...", "_"),
        ("a\0", "a_"),
        ("a\x1b[31m", "a_[31m"),
        ("a\u202eb", "a_b"),
        ("a\udce9", "a_"),
        ("a.part", "a.part_"),
        ("a.PART/b", "a.PART_/b"),
    ],
)
def test_a_given_name_is_cleaned_and_gets_a_hash_if_another_url_has_it(
    name: str, cleaned: str
) -> None:
    first, second, *_ = _from_list(name)
    assert first == cleaned
    assert re.sub(_MARK, "", second) == cleaned != second


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("x" * 252 + ".pdf", rf"x{{150}}{_MARK}\.pdf"),
        ("é" * 200, rf"é{{75}}{_MARK}"),
        ("a/" * 600 + "b.pdf", rf"_/b{_MARK}\.pdf"),
        ("a/" * 40_000 + "a", rf"_/a{_MARK}"),
    ],
)
def test_a_given_name_that_is_too_long_is_cut_and_gets_a_hash(name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, _from_list(name)[0])


@hypothesis_given(st.text(max_size=40) | st.text("./\\ conauxpt:%\0", max_size=20))
@FAST
def test_every_given_name_is_safe_or_refused(name: str) -> None:
    try:
        names = list(names_from_list(name, URL))
    except BlockedError:
        return
    for each in names:
        assert_safe(each.path(HTML))


@pytest.mark.parametrize("size", [143, 100])
@hypothesis_given(
    path=st.text("aé./%", max_size=60),
    repeat=st.integers(0, 12),
    query=st.text("aé./%", max_size=9),
)
@FAST
def test_a_shortened_name_fits_and_differs_as_the_whole_one_does(
    size: int, path: str, repeat: int, query: str
) -> None:
    one, other = (parse(f"https://example.org/{path * repeat}/x?{query}{end}") for end in "ab")
    short = []
    for url in (one, other):
        for name in candidates(url):
            fitting = shortened(name, url, size)
            for media_type in (HTML, PNG, "application/manifest+json"):
                assert_safe(fitting.path(media_type))
                parts = (fitting.path(media_type) + PART).split("/")
                assert max(len(part.encode()) for part in parts) <= size
            short.append(fitting)
            if all(len(part.encode()) <= size - 17 for part in name.base.split("/")):
                assert fitting == name
    assert len(set(short)) == len(short)


def test_folders_that_are_cut_stay_apart() -> None:
    folders = ["x" * 200 + end for end in "ab"]
    urls = [parse(f"https://example.org/{folder}/y") for folder in folders]
    one, other = (shortened(next(candidates(url)), url, 143).base.split("/")[1] for url in urls)
    assert one != other
    again = parse(f"https://example.org/{folders[0]}/z")
    assert shortened(next(candidates(again)), again, 143).base.split("/")[1] == one


# Fewer folders, as wget's -nH and --cut-dirs


@pytest.mark.parametrize(
    ("address", "host", "cut_dirs", "path"),
    [
        ("https://h/a/b/c.html", False, 0, "a/b/c.html"),
        ("https://h/a/b/c.html", True, 1, "h/b/c.html"),
        ("https://h/a/b/c.html", False, 1, "b/c.html"),
        ("https://h/a/b/c.html", False, 2, "c.html"),
        ("https://h/a/b/c.html", False, 9, "c.html"),
        ("https://h/", False, 0, "index.html"),
        ("https://h/", True, 3, "h.html"),
        ("https://h/a/", True, 1, "h/index.html"),
        ("https://h/a/?q=1", False, 1, "index@q=1.html"),
        # The first part of a name never begins with a dot: such names are this program's own.
        ("https://h/.well-known/x", False, 0, "_.well-known/x.html"),
        ("https://h/a/.download/x", False, 1, "_.download/x.html"),
        ("https://h/.download", False, 0, "_.download.html"),
    ],
)
def test_folders_are_left_out_as_wget_does(
    address: str, host: bool, cut_dirs: int, path: str
) -> None:
    url = parse(address)
    names = list(candidates(url, layout=FolderLayout(host, cut_dirs)))
    assert names[0].path(HTML) == path
    for name in names:
        assert_safe(name.path(HTML))


@pytest.mark.parametrize(
    ("one", "other"),
    [("README", "readme"), ("é", "e\u0301"), ("É", "e\u0301"), ("ß", "SS"), ("K", "k")],
)
def test_names_that_some_file_system_takes_for_one_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)
