"""With ``--block-private`` no connection is made to an address that is not public."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from downloader import Downloaded, ErrorKind, Failed, Options, Outcome, download_sites
from tests.support.fault_server import PAGE, head, length, send_and_close
from tests.support.files import saved_files

GUARDED = Options(block_private=True, retries=0, connect_timeout=5, read_timeout=5)


class Front:
    """A server that gives one answer, and notes every connection that is made to it."""

    def __init__(self, host: str, location: str) -> None:
        self.connections = 0
        self.host = host
        self.port = 0
        self._location = location

    def url(self, host: str = "", path: str = "/") -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if self._location:
            answer = head("302 Found", [("Location", self._location), length(b"")])
        else:
            answer = head(headers=[length(PAGE), ("Connection", "close")]) + PAGE
        await send_and_close(writer, answer)
        await writer.wait_closed()


@asynccontextmanager
async def front(
    host: str = "127.0.0.1", *, location: str = "", port: int = 0
) -> AsyncIterator[Front]:
    one = Front(host, location)
    server = await asyncio.start_server(one.connected, host, port)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one


#: Stands for a public address, because there is none to be had in a test.
LET_IN = "127.0.0.2"


@pytest.fixture
def one_address_counts_as_public(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((LET_IN, 0))
        except OSError:
            pytest.skip(f"{LET_IN} is no address of this machine")
    monkeypatch.setattr("downloader.http.connector.is_public", lambda text: text == LET_IN)


Resolve = Callable[..., None]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """A name server: each name has a list of answers, of which the last stays."""
    real = socket.getaddrinfo
    answers: dict[str, Iterator[list[str]]] = {}

    def set_answers(name: str, *replies: list[str]) -> None:
        def endless() -> Iterator[list[str]]:
            yield from replies
            while True:
                yield replies[-1]

        answers[name] = endless()

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in answers:
            return real(host, port, *rest, **more)
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in next(answers[host])
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return set_answers


async def fetch(url: str, folder: Path, options: Options = GUARDED) -> Outcome:
    async with asyncio.timeout(15):
        (outcome,) = await download_sites([url], folder, options=options)
    return outcome


def assert_blocked(outcome: Outcome, folder: Path) -> None:
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is ErrorKind.BLOCKED, outcome
    assert "is not on the public internet" in outcome.message
    assert "--block-private" in outcome.hint
    assert outcome.attempts == 1
    assert saved_files(folder) == set()


SPELLINGS = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "%31%32%37.0.0.1",
    "\uff11\uff12\uff17.0.0.1",
    "localhost",
]


@pytest.mark.parametrize("host", [*SPELLINGS, "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"])
async def test_this_machine_is_refused_however_it_is_spelled(host: str, tmp_path: Path) -> None:
    async with front() as server:
        outcome = await fetch(server.url(host), tmp_path, Options(block_private=True, retries=2))
    assert_blocked(outcome, tmp_path)
    assert server.connections == 0


@pytest.mark.parametrize("host", SPELLINGS)
async def test_without_the_option_it_is_asked(host: str, tmp_path: Path) -> None:
    async with front() as server:
        outcome = await fetch(server.url(host), tmp_path, Options(retries=0))
    assert isinstance(outcome, Downloaded)
    assert server.connections == 1


@pytest.mark.usefixtures("one_address_counts_as_public")
@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "localhost", "[::ffff:7f00:1]"])
async def test_a_redirect_from_a_public_address_to_this_machine_is_refused(
    host: str, tmp_path: Path
) -> None:
    async with front() as inside, front(LET_IN, location=inside.url(host)) as outside:
        outcome = await fetch(outside.url(), tmp_path)
    assert_blocked(outcome, tmp_path)
    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.usefixtures("one_address_counts_as_public")
async def test_a_name_that_answers_differently_the_second_time_is_refused_then(
    resolver: Resolve, tmp_path: Path
) -> None:
    resolver("rebind.test", [LET_IN], ["127.0.0.1"])
    async with (
        front() as inside,
        front(LET_IN, location=inside.url("rebind.test")) as outside,
    ):
        outcome = await fetch(outside.url("rebind.test"), tmp_path)
    assert_blocked(outcome, tmp_path)
    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.usefixtures("one_address_counts_as_public")
@pytest.mark.parametrize("order", [[LET_IN, "127.0.0.1"], ["127.0.0.1", LET_IN], ["::1", LET_IN]])
async def test_of_a_name_with_both_only_the_public_address_is_connected_to(
    order: list[str], resolver: Resolve, tmp_path: Path
) -> None:
    resolver("both.test", order)
    async with front(LET_IN) as outside, front(port=outside.port) as inside:
        outcome = await fetch(outside.url("both.test"), tmp_path)
    assert isinstance(outcome, Downloaded), outcome
    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.usefixtures("one_address_counts_as_public")
@pytest.mark.parametrize("order", [[LET_IN, "127.0.0.1"], ["127.0.0.1", LET_IN]])
async def test_the_private_address_is_no_way_out_when_the_public_one_is_down(
    order: list[str], resolver: Resolve, tmp_path: Path
) -> None:
    resolver("both.test", order)
    async with front() as inside:
        outcome = await fetch(inside.url("both.test"), tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind in (ErrorKind.BLOCKED, ErrorKind.CONNECT)
    assert "Multiple" not in outcome.message
    assert inside.connections == 0


async def test_a_name_with_several_private_addresses_is_refused(
    resolver: Resolve, tmp_path: Path
) -> None:
    resolver("inside.test", ["127.0.0.1", "::1", "10.0.0.1"])
    async with front() as inside:
        outcome = await fetch(inside.url("inside.test"), tmp_path)
    assert_blocked(outcome, tmp_path)
    assert inside.connections == 0


async def test_a_host_that_is_down_at_all_its_addresses_is_told_in_plain_words(
    resolver: Resolve, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        resolver("down.test", ["127.0.0.1", "::1"])
        port = closed.getsockname()[1]
        outcome = await fetch(f"http://down.test:{port}/", tmp_path, Options(retries=0))
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.CONNECT
    assert "None" not in outcome.message
    assert "Errno" not in outcome.message
