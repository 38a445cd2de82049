"""The parts of a run over several processes: shares of hosts, frames, what is in flight."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Options
from downloader.core.processes.in_flight_table import InFlightTable, create_table_file
from downloader.core.processes.ipc import (
    AddTransfers,
    CookiesSet,
    Frame,
    FrameDecoder,
    ProgressUpdate,
    Reassign,
    Start,
    Stop,
    TransfersEnded,
    encode,
)
from downloader.core.transfer import Transfer
from downloader.errors import ErrorKind
from downloader.http import Cookie, JarContents, RedirectTrail
from downloader.journal import Job
from downloader.models import Failed, InFlight, Target
from downloader.models.shards import HostAssignment, shard_of
from downloader.scheduling import RateLimiter
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.urls import Url
from tests.support.clock import FakeClock


async def test_a_new_rate_is_heeded_by_who_sleeps_by_the_old_one() -> None:
    clock = FakeClock()
    bandwidth = RateLimiter(1000, clock.sleep, clock, max_sleep=0.1)
    spending = asyncio.create_task(bandwidth.throttle(1_000_000))
    while clock.now < 1:  # noqa: ASYNC110 - the clock is no event
        await asyncio.sleep(0)
    bandwidth.rate = 999_000
    await spending
    assert clock.now == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(
    ("host", "of_2", "of_7", "of_1000"),
    [
        ("www.python.org", 0, 0, 96),
        ("docs.python.org", 1, 3, 979),
        ("127.0.0.1:8081", 1, 0, 283),
        ("[::1]:80", 1, 5, 985),
        ("xn--bcher-kva.example", 1, 6, 121),
    ],
)
def test_the_shard_of_a_host_never_changes(host: str, of_2: int, of_7: int, of_1000: int) -> None:
    assert (shard_of(host, 2), shard_of(host, 7), shard_of(host, 1000)) == (of_2, of_7, of_1000)


def test_hosts_are_dealt_out_evenly_and_once() -> None:
    dealer = HostAssignment()
    loads = [0, 0, 0]
    owners = {}
    for number in range(30):
        owner = owners[number] = dealer.owner(f"host-{number}", loads)
        loads[owner] += 1
    assert loads == [10, 10, 10]
    assert owners == {number: dealer.owner(f"host-{number}", [9, 0, 0]) for number in range(30)}


def transfer(row: int, path: str, *, moved: bool) -> Transfer:
    url = Url(f"http://h{row}/{path}")
    job = Job(
        Target(url=url, index=row, origin="list:1"), FileName("name", ExtensionRule.MARKUP), row
    )
    return Transfer(job, None, RedirectTrail(url, redirects=(url,)) if moved else None, row)


transfer_at_random = st.builds(transfer, st.integers(1, 2**40), st.text(), moved=st.booleans())


cookies = st.lists(
    st.builds(Cookie, st.text(), st.text(), st.text(), st.booleans(), st.text(), st.booleans())
).map(tuple)

frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(AddTransfers, st.lists(transfer_at_random, max_size=5)),
    st.builds(Reassign, st.lists(st.tuples(transfer_at_random, st.floats(0, 9)))),
    st.builds(Stop, st.booleans()),
    st.builds(
        Start,
        st.builds(Options),
        st.integers(),
        st.none() | st.integers(),
        st.booleans(),
        st.none() | st.builds(JarContents, cookies, cookies),
    ),
    st.builds(CookiesSet, cookies),
    st.builds(
        TransfersEnded,
        st.lists(
            st.tuples(
                st.integers(),
                st.builds(
                    Failed,
                    index=st.integers(),
                    origin=st.text(),
                    url=st.text(),
                    kind=st.sampled_from(ErrorKind),
                    message=st.text(),
                ),
            )
        ),
    ),
    st.builds(
        ProgressUpdate,
        st.integers(),
        st.integers(),
        st.lists(st.builds(InFlight, st.text(), st.floats(0, 9), st.integers())),
    ),
)


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 5000)), st.integers(0, 100))
def test_frames_are_the_same_however_their_bytes_are_cut(
    said: list[Frame], cuts: list[int], missing: int
) -> None:
    whole = [encode(frame) for frame in said]
    data = b"".join(whole)
    end = max(0, len(data) - missing)
    ends = sorted({0, *(cut for cut in cuts if cut < end), end})
    decoder = FrameDecoder()
    heard = [frame for start, stop in pairwise(ends) for frame in decoder.feed(data[start:stop])]
    assert heard == said[: len(heard)]
    assert len(b"".join(whole[: len(heard)])) <= end
    assert len(heard) == len(said) or end < len(b"".join(whole[: len(heard) + 1]))


def test_what_is_no_frame_is_a_defect() -> None:
    with pytest.raises(TypeError, match="no frame: Options"):
        list(FrameDecoder().feed(encode(Options())))  # type: ignore[arg-type]


def test_a_roll_is_read_by_another_while_it_is_written() -> None:
    with create_table_file(3) as file:
        written, read = InFlightTable(file), InFlightTable(file.fileno())
    for row in (5, 6, 6, 7, 8):
        written.add(row)
    assert sorted(read) == [5, 6, 7]
    written.remove(6)
    written.remove(8)
    written.add(9)
    assert sorted(read) == [5, 7, 9]
    written.close()
    read.close()
