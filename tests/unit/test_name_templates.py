"""Templates of names: their fields, what is refused at once, and that no name leads out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.errors import BadUrlError, BlockedError
from downloader.web.filenames import stays_within
from downloader.web.name_template import FIELDS, NameTemplate
from downloader.web.url_names import alternatives
from downloader.web.urls import parse
from tests.support.safe_names import MEDIA_TYPES, assert_safe

COLUMNS = {"isbn": "978-3", "title": "AC/DC: live", "empty": "", "my column": "x", "up": ".."}


def _named(
    template: str, address: str, media_type: str = "text/html", disposition: str = ""
) -> str:
    name, _ = NameTemplate.parse(template).expand(parse(address), COLUMNS, disposition)
    return name.path(media_type)


@pytest.mark.parametrize(
    ("template", "address", "path"),
    [
        ("{host}/{path}", "https://h/a/b.html", "h/a/b.html"),
        ("{host}/{path}", "https://h/a/b", "h/a/b.html"),
        ("{host}/{path}", "https://h/a/get?id=7", "h/a/get@id=7.html"),
        ("{host}/{path}", "https://h:81/a/", "h_81/a/index.html"),
        ("{host}/{path}", "https://h/", "h/index.html"),
        ("{scheme}/{dir}/{name}", "http://h/a/b/c.png", "http/a/b/c.png.html"),
        ("{dir}/{name}", "http://h/c", "c.html"),
        ("{stem}{ext}", "http://h/a/c.png?v=1", "c.png.html"),
        ("{stem}-{query}{ext}", "http://h/a/c?v=1", "c-v=1.html"),
        ("{stem}{ext}", "http://h/a/c.php", "c.html"),
        ("{name}{ext}", "http://h/a/c.html", "c.html"),
        ("{hash}{ext}", "http://h/", "vwbjlj5gtv.html"),
        ("{column.isbn}{ext}", "http://h/", "978-3.html"),
        ("{column.isbn}", "http://h/", "978-3.html"),
        ("{column.title}.txt", "http://h/", "AC_DC_ live.txt.html"),
        ("{column.my column}/{name}", "http://h/y", "x/y.html"),
        ("{column.empty}/{name}", "http://h/y", "y.html"),
        ("{column.up}/{name}", "http://h/y", "y.html"),
        ("{column.up}x/{name}", "http://h/y", "_..x/y.html"),
        ("a\\b\\{name}", "http://h/y", "a/b/y.html"),
        ("{{{name}}}", "http://h/y", "{y}.html"),
        ("{dir}/{content_disposition}", "http://h/a/y", "a/y.html"),
    ],
)
def test_a_template_names_a_file(template: str, address: str, path: str) -> None:
    assert _named(template, address) == path


def test_the_name_of_the_answer_takes_the_place_of_that_of_the_url() -> None:
    path = _named(
        "{host}/{content_disposition}", "http://h/a?id=1", "application/pdf", "report.pdf"
    )
    assert path == "h/report.pdf"


def test_a_common_extension_of_the_url_goes_before_that_of_the_media_type() -> None:
    assert _named("{stem}{ext}", "http://h/a.gz", "application/octet-stream") == "a.gz"
    assert _named("{stem}{ext}", "http://h/a.unheard", "image/png") == "a.png"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{isbn}", "there is no field {isbn}; there are {scheme}, .* {column.NAME} for a column"),
        ("{column.}", "there is no field {column.}"),
        ("{}", "there is no field {}"),
        ("{host:>10}", "there is no field {host:>10}"),
        ("{host", "the brace at character 1 has no counterpart"),
        ("a{{b}{host}", "the brace at character 5 has no counterpart"),
        ("../{name}", "leads out of the output folder"),
        ("a/ .. /{name}", "leads out of the output folder"),
        ("a\\..\\{name}", "leads out of the output folder"),
        ("/{name}", "leads out of the output folder"),
        ("", "does not end in a file name"),
        ("{dir}/", "does not end in a file name"),
        ("{dir}/.", "does not end in a file name"),
        ("{dir}/{ext}", "nothing before {ext}"),
        ("{ext}/{name}", "{ext} must be at the end"),
        ("{content_disposition}{ext}", "{content_disposition} must be at the end"),
        ("x" * 1001, "more than 1000 characters"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_before_any_request(
    template: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem.replace("{", r"\{").replace("}", r"\}")):
        NameTemplate.parse(template)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{column.isbm}", "the line has no column 'isbm'"),
        ("{column.empty}", "gives no file name here"),
        ("{dir}/{query}", "gives no file name here"),
        ("{column.up}", "gives no file name here"),
    ],
)
def test_a_line_without_a_name_fails_alone(template: str, problem: str) -> None:
    with pytest.raises(BlockedError, match=problem):
        _named(template, "http://h/a/")


_PIECES = st.lists(
    st.sampled_from([f"{{{field}}}" for field in FIELDS])
    | st.sampled_from(["{column.a}", "{column.b}", "/", "\\", ".", "..", " ", "con", ".part", "~"])
    | st.text(max_size=5),
    max_size=6,
)
_VALUES = st.text("./\\ conauxpt:%\0é", max_size=12) | st.text(max_size=300)


@given(
    pieces=_PIECES,
    path=st.text("./\\% :conauxpt~\0é?", max_size=20) | st.text(max_size=300),
    a=_VALUES,
    b=_VALUES,
    disposition=_VALUES,
)
@settings(max_examples=300, deadline=None)
def test_every_name_stays_in_the_folder_whatever_template_url_line_and_answer(
    pieces: list[str], path: str, a: str, b: str, disposition: str
) -> None:
    try:
        template = NameTemplate.parse("".join(pieces))
        url = parse(f"https://h/{path}")
        plain, whole = template.expand(url, {"a": a, "b": b}, disposition)
    except (ValueError, BadUrlError, BlockedError):
        return
    again, _ = template.expand(url, {"a": a, "b": b}, disposition)
    assert again == plain
    for name in alternatives(plain, url, ambiguous=not whole):
        assert stays_within(name.base)
        for media_type in MEDIA_TYPES[:20]:
            assert_safe(name.path(media_type))
