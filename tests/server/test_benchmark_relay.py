"""The relay of the benchmarks, which makes a server distant."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from threading import Thread

from benchmarks.relay import relayed

MIB = 1 << 20


@contextmanager
def echo_server() -> Iterator[tuple[str, int]]:
    """Send back what comes on one connection, and then its end."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(MIB):
                    connection.sendall(data)

        thread = Thread(target=echo)
        thread.start()
        yield server.getsockname()
        thread.join()


def test_all_bytes_arrive_in_order_and_then_the_end() -> None:
    sent = Random(1).randbytes(64 * MIB)
    with (
        echo_server() as server,
        relayed(2, [server]) as ports,
        socket.create_connection(("127.0.0.1", ports[0])) as client,
    ):

        def send() -> None:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)

        sender = Thread(target=send)
        sender.start()
        received = b"".join(iter(lambda: client.recv(MIB), b""))
        sender.join()
    assert received == sent


def test_a_client_that_is_gone_ends_the_connection_of_the_server() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        relayed(2, [server.getsockname()]) as ports,
    ):
        client = socket.create_connection(("127.0.0.1", ports[0]))
        connection, _ = server.accept()
        client.close()
        with connection:
            assert connection.recv(1) == b""
