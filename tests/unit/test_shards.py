"""Which shard a host belongs to."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Target
from downloader.errors import ErrorKind
from downloader.models import Failed
from downloader.models.shards import Shard
from downloader.sources import ShardFilter
from downloader.web.urls import Url


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://www.python.org/", 1),
        ("http://www.python.org:8080/3", 1),
        ("http://user:secret@www.python.org./", 1),
        ("https://docs.python.org/", 4),
        ("https://xn--bcher-kva.example/", 2),
        ("http://127.0.0.1:8081/", 1),
        ("http://[::1]/", 3),
    ],
)
def test_a_host_is_of_the_same_shard_on_every_machine(url: str, number: int) -> None:
    assert [k for k in range(1, 5) if Shard(k, 4).owns(Url(url))] == [number]


@given(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,9}){0,3}", fullmatch=True),
    st.integers(1, 500),
)
def test_the_documented_rule_is_the_rule(name: str, count: int) -> None:
    # As docs/scaling.md tells: b2sum -l 64 of the name, modulo N, plus 1.
    digest = int(hashlib.blake2b(name.encode(), digest_size=8).hexdigest(), 16)
    assert Shard(digest % count + 1, count).owns(Url(f"https://{name}:8443/a"))


def test_a_line_without_a_host_is_the_first_shards_and_a_lost_list_everybodys() -> None:
    bad = Failed(index=0, origin="a:1", url="a b", kind=ErrorKind.BAD_URL, message="no")
    lost = Failed(index=1, origin="a:2", url="http://a/s.xml", kind=ErrorKind.DNS, message="no")
    line = Target(url=Url("https://www.python.org/"))
    shares = [ShardFilter(Shard(number, 4)) for number in range(1, 5)]
    assert [list(share.select([bad, lost, line])) for share in shares] == [
        [bad, lost, line],
        [lost],
        [lost],
        [lost],
    ]
    assert [share.others for share in shares] == [0, 2, 2, 2]
