"""Keys, digests, identifiers and index lines of web archives."""

import base64
import hashlib
import io
import mmap
import tracemalloc
import uuid
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.archive import cdxj
from downloader.archive.dedup import RecentPayloads
from downloader.archive.file_series import FileSeries
from downloader.archive.previous_captures import PreviousCaptures
from downloader.archive.recovery import record_ends
from downloader.archive.surt import surt
from downloader.archive.warc_records import OriginalRecord, digest_of, new_record_id
from downloader.errors import BadUrlError, ConnectError, SourceError
from downloader.http.replay import replay
from downloader.models import WarcDigest
from downloader.models.exchange import ArchivedResponse
from downloader.web import urls
from downloader.web.urls import Url
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
        "http://e.org/(0123456789abcdefghijklmn)/(0123456789abcdefghijklmn)/a.aspx?x",
        "http://e.org/(0123456789abcdefghijklmn)/.aspx",
        "http://e.org/(0123456789abcdefghijklmn)/a%3Fb.aspx/(0123456789abcdefghijklmn)/c",
        "http://e.org/?xcfid=cfid=1&cftoken=2&b=1&cfid=&cftoken=3",
        "http://e.org/?a=1&CFID=1&CFTOKEN=2&cfid=3&cftoken=4&z=9",
    ],
)
def test_keys_leave_out_sessions(theirs: Callable[[str], str], url: str) -> None:
    assert surt(urls.parse(url)) == theirs(url)


@given(st.text(st.sampled_from("%25c3afCd&=?(/"), max_size=60))
def test_keys_have_no_layer_of_percent_encoding(theirs: Callable[[str], str], text: str) -> None:
    assert surt(urls.parse(f"http://e.org/{text}")) == theirs(f"http://e.org/{text}")


@given(st.lists(st.sampled_from(["cfid=", "cftoken=", "&", "a", "=", "CFID=1&"]), max_size=12))
def test_keys_leave_out_sessions_wherever_they_are(
    theirs: Callable[[str], str], parts: list[str]
) -> None:
    url = urls.parse(f"http://e.org/?{''.join(parts)}")
    assert surt(url) == theirs(url)


def test_keys_of_long_urls_take_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of the others would take minutes, if it took the square of its length.
    for part in ("/(0123456789abcdefghijklmn)", "?cfid=", "?.aspx/(0123456789abcdefghijklmn)/"):
        surt(urls.parse(f"http://e.org/?.aspx{part * 20_000}"))
        surt(urls.parse(f"http://e.org/.aspx{part * 20_000}"))
    calls: list[bytes] = []

    def count(data: bytes) -> bytes:
        calls.append(data)
        return unquote_to_bytes(data)

    monkeypatch.setattr("downloader.archive.surt.unquote_to_bytes", count)
    assert surt(urls.parse(f"http://e.org/%{'25' * 20_000}41")) == "org,e)/a"
    assert len(calls) <= 6


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


@pytest.mark.parametrize("length", [b"-150", b"0x10", b"9" * 5000, b""])
def test_a_record_of_an_impossible_length_ends_the_recovery(tmp_path: Path, length: bytes) -> None:
    record = b"WARC/1.0\r\nContent-Length: %s\r\n\r\nab\r\n\r\n"
    path = tmp_path / "a.warc.open"
    path.write_bytes(record % b"2" + record % length + record % b"2")
    with path.open("rb") as file:
        assert list(islice(record_ends(file), 9)) == [len(record % b"2")]


def test_payloads_that_were_seen_long_ago_are_forgotten() -> None:
    payloads = RecentPayloads(max_payloads=2)
    for number in range(3):
        payloads.add(str(number), OriginalRecord(f"http://h/{number}", "2026-01-01T00:00:00Z"))
    assert payloads.get("0") is None
    assert payloads.get("2") is not None


def test_an_earlier_index_that_is_damaged_says_nothing(tmp_path: Path) -> None:
    first = tmp_path / "a.warc.gz"
    first.write_bytes(b"")
    fields = '{"url": "http://h/", "mime": "a/b", "status": "200", "length": "1", "offset": '
    damaged = (
        *("", "h)/ 2026", "h)/ 20260101000000 {not json\n", 'h)/ 20260101000000 ["a"]\n'),
        f"h)/ 20260101000000 {'[' * 100_000}\n",
        f"h)/ 20260101000000 {fields}1e999}}\n",
        f"h)/ 20260101000000 {fields}{'9' * 5000}}}\n",
        f"h)/ 20260101000000 {fields}1{' ' * 3_000_000}}}\n",
    )
    for text in damaged:
        (tmp_path / "a.cdxj").write_text(text)
        assert PreviousCaptures(FileSeries(first)).find("http://h/") is None
    check()


def test_a_lookup_in_an_index_of_huge_lines_copies_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.cdxj"
    path.write_bytes(b"".join(b"k%d %s\n" % (n, b"x" * 8_000_000) for n in range(5)))
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        tracemalloc.start()
        assert list(cdxj.lines_with_prefix(data, b"k3 ")) == []
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 1_000_000


async def test_an_archive_that_can_no_longer_be_read_is_a_failure_of_the_url() -> None:
    class Gone:
        def find(self, url: Url) -> ArchivedResponse | None:
            raise SourceError("a.warc was changed while it was being read")

    with pytest.raises(ConnectError, match="the archive cannot be read: a"):
        await replay(Gone(), urls.parse("http://h/"))
