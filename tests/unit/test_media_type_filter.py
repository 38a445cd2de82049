"""Media types are selected by globs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader import Options
from downloader.web.media_type_filter import MediaTypeFilter


@pytest.mark.parametrize(
    ("accept", "reject", "selected", "others"),
    [
        ((), (), "text/html image/png", ""),
        (("image/*",), (), "image/png image/svg+xml", "text/html video/mp4 image"),
        (("Image/PNG, application/pdf",), (), "image/png application/pdf", "image/gif"),
        (("text/html", "text/css"), (), "text/html text/css", "text/plain"),
        ((), ("video/*,audio/*",), "text/html", "video/mp4 audio/mpeg"),
        (("image/*",), ("image/svg+xml",), "image/png", "image/svg+xml text/html"),
        (("*/*+xml", "*/xml"), (), "image/svg+xml text/xml", "text/html"),
        (("*/*",), (), "text/html image/png", ""),
        (("application/vnd.[mo]*",), (), "application/vnd.ms-excel", "application/pdf"),
    ],
)
def test_a_type_is_selected_by_what_it_matches(
    accept: tuple[str, ...], reject: tuple[str, ...], selected: str, others: str
) -> None:
    types = MediaTypeFilter(accept, reject)
    assert [each for each in selected.split() if not types.selects(each)] == []
    assert [each for each in others.split() if types.selects(each)] == []
    assert bool(types) is bool(accept or reject)


@pytest.mark.parametrize("text", ["pdf", "", "image/", "/png", "image/*,", "a/b/c", "text/ html"])
def test_what_is_no_media_type_is_refused(text: str) -> None:
    for accept, reject in (((text,), ()), ((), (text,))):
        with pytest.raises(ValueError, match="is not a media type; write image/png or image/"):
            Options(accept_type=accept, reject_type=reject)


@given(st.text(alphabet="a*?[]/+.,-! ", max_size=20), st.text(max_size=20))
@settings(deadline=None)
def test_no_pattern_and_no_type_ever_fail_in_another_way(pattern: str, media_type: str) -> None:
    try:
        types = MediaTypeFilter((pattern,))
    except ValueError:
        return
    assert types.selects(media_type) in (True, False)
