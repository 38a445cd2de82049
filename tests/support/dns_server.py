"""A name server on loopback, which knows the IPv4 addresses that a test gives it."""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

_HEAD = struct.Struct(">6H")
_ANSWER = struct.Struct(">HHHIH4s")
_RESPONSE, _NO_SUCH_NAME, _SERVER_FAILURE = 0x8180, 3, 2
_A, _IN = 1, 1
#: A pointer to the name of the question, behind the head (RFC 1035, section 4.1.4).
_NAME_OF_QUESTION = 0xC00C


class DnsServer(asyncio.DatagramProtocol):
    """Answers questions.

    Attributes:
        questions: the names that were asked for.
        fails: whether to answer each question with SERVFAIL.
        address: where it listens, with its port.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.questions: list[str] = []
        self.fails = False
        self.address = ""
        self._addresses = addresses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        number = _HEAD.unpack_from(data)[0]
        labels, position = [], _HEAD.size
        while length := data[position]:
            labels.append(data[position + 1 : position + 1 + length].decode())
            position += 1 + length
        (kind,) = struct.unpack_from(">H", data, position + 1)
        question = data[_HEAD.size : position + 5]
        name = ".".join(labels).lower()
        self.questions.append(name)
        found = self._addresses.get(name)
        error = _SERVER_FAILURE if self.fails else 0 if found else _NO_SUCH_NAME
        answers = b""
        if found and not error and kind == _A:
            packed = ipaddress.IPv4Address(found).packed
            answers = _ANSWER.pack(_NAME_OF_QUESTION, _A, _IN, 60, len(packed), packed)
        head = _HEAD.pack(number, _RESPONSE | error, 1, 1 if answers else 0, 0, 0)
        self._transport.sendto(head + question + answers, addr)


@asynccontextmanager
async def dns_server(addresses: Mapping[str, str]) -> AsyncIterator[DnsServer]:
    """Run a name server that knows these hosts."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(addresses), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
