"""Keys, digests, identifiers and index lines of web archives."""

import base64
import hashlib
import io
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.archive import cdxj, wacz_pages
from downloader.archive.dedup import RecentPayloads
from downloader.archive.file_series import FileSeries
from downloader.archive.previous_captures import PreviousCaptures
from downloader.archive.surt import surt
from downloader.archive.warc_records import OriginalRecord, digest_of, new_record_id
from downloader.errors import BadUrlError
from downloader.models import WarcDigest
from downloader.web import urls
from tests.support.archives import check

HOSTS = ["www.Ex.org", "www2.a.b", "127.0.0.1", "b\xfccher.de", "[::1]", "a.b.", "www.www1.org"]


@pytest.fixture(scope="session")
def theirs() -> Callable[[str], str]:
    """What replay makes keys with."""
    module = pytest.importorskip("surt", reason="replay makes keys with it")
    function: Callable[[str], str] = module.surt
    return function


@given(
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.text(st.sampled_from("aB0/.%2e?&=~()'\xe9 -_;:sid,"), max_size=20),
)
def test_keys_are_those_that_replay_looks_up(
    theirs: Callable[[str], str], scheme: str, host: str, port: str, rest: str
) -> None:
    try:
        url = urls.parse(f"{scheme}://{host}{port}/{rest}")
    except BadUrlError:
        return
    assert surt(url) == theirs(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://e.org/?sid=0123456789abcdefghijklmnopqrstuv&a=1",
        "http://e.org/?a=1&PHPSESSID=0123456789abcdefghijklmnopqrstuv",
        "http://e.org/(S(0123456789abcdefghijklmn))/x.aspx?cfid=1&cftoken=2",
        "http://e.org/a//b/../c/?B=2&a=1&c",
    ],
)
def test_keys_leave_out_sessions(theirs: Callable[[str], str], url: str) -> None:
    assert surt(urls.parse(url)) == theirs(url)


@given(st.binary(max_size=100))
def test_digests_are_written_as_everybody_writes_them(data: bytes) -> None:
    expected = base64.b32encode(hashlib.sha1(data).digest()).decode()
    assert digest_of(WarcDigest.SHA1, data) == f"sha1:{expected}"


def test_identifiers_are_random_uuids() -> None:
    for _ in range(200):
        text = new_record_id()
        parsed = uuid.UUID(text.removeprefix("<urn:uuid:").removesuffix(">"))
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
        assert text == f"<urn:uuid:{parsed}>"


@given(st.lists(st.binary(max_size=5).filter(lambda line: b"\n" not in line), max_size=200))
def test_lines_are_sorted_outside_of_memory_as_in_it(lines: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdxj, "_LINES_PER_RUN", 7)
        into = io.BytesIO()
        cdxj.sort_lines((line + b"\n" for line in lines), into)
    assert into.getvalue() == b"".join(sorted(line + b"\n" for line in lines))


def test_payloads_that_were_seen_long_ago_are_forgotten() -> None:
    payloads = RecentPayloads(max_payloads=2)
    for number in range(3):
        payloads.add(str(number), OriginalRecord(f"http://h/{number}", "2026-01-01T00:00:00Z"))
    assert payloads.get("0") is None
    assert payloads.get("2") is not None


def test_an_earlier_index_that_is_damaged_says_nothing(tmp_path: Path) -> None:
    first = tmp_path / "a.warc.gz"
    first.write_bytes(b"")
    for text in ("", "h)/ 2026", "h)/ 20260101000000 {not json\n", 'h)/ 20260101000000 ["a"]\n'):
        (tmp_path / "a.cdxj").write_text(text)
        assert PreviousCaptures(FileSeries(first)).find("http://h/") is None
    check()


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title>A &amp; B</title>", "A & B"),
        ("<TITLE lang=en>\n a\tb </TITLE><title>second</title>", "a b"),
        ("<title>never closed", ""),
        ("<titles>no</titles>", ""),
        ("<title" * 100_000, ""),
        ("<title>" * 100_000, ""),
    ],
)
def test_the_title_of_a_page_in_a_wacz(markup: str, title: str) -> None:
    assert wacz_pages._title(markup) == title
