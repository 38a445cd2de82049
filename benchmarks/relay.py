"""A relay that makes TCP servers of this machine distant: each byte is late by the same time.

    python relay.py MILLISECONDS HOST:PORT ...
    python relay.py --check

Listens at a free port of the same host for each server, and prints these ports. What a client
sends is passed on after half of the MILLISECONDS, and so is what the server sends, so that each
exchange takes MILLISECONDS more. Unlike with a distant server, the handshake of TCP is not late,
the bandwidth is not limited, and nothing is lost. With ``--check``, prints how much a relay passes.
"""

import contextlib
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

READ_BYTES = 256 * 1024
#: Bytes that may be on their way in one direction of a connection.
MAX_BYTES_ON_THE_WAY = 32 * 1024 * 1024
BACKLOG = 1024
CHECK_BYTES = 256 * 1024 * 1024
CHECK_WRITES = 20_000


@dataclass(slots=True, eq=False)
class Direction:
    """Bytes from one socket of a connection to the other one."""

    source: socket.socket
    sink: socket.socket
    unsent: deque[bytes] = field(default_factory=deque)  # due, but the sink takes no more now
    size: int = 0  # bytes on their way
    ended: bool = False  # the source has sent everything
    done: bool = False  # the sink has got everything


class Relay:
    """All connections to some servers."""

    def __init__(self, delay: float, servers: Sequence[tuple[str, int]]) -> None:
        self._delay = delay
        self._poll = select.epoll()
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._listeners: dict[int, tuple[socket.socket, tuple[str, int]]] = {}
        #: For the number of each socket, the directions that it is the source and the sink of.
        self._ways: dict[int, tuple[Direction, Direction]] = {}
        self._watched: dict[int, int] = {}
        #: What has been received, and when it is due: in this order, as all is late by the same.
        self._late: deque[tuple[float, Direction, bytes]] = deque()
        for server in servers:
            listener = socket.create_server((server[0], 0), backlog=BACKLOG)
            self._listeners[listener.fileno()] = listener, server
            self._poll.register(listener, select.EPOLLIN)

    @property
    def ports(self) -> list[int]:
        """The ports to connect to, in the order of the servers."""
        return [listener.getsockname()[1] for listener, _ in self._listeners.values()]

    def run(self) -> None:
        """Pass bytes on until the process is stopped."""
        while True:
            wait = max(0.0, self._late[0][0] - time.monotonic()) if self._late else -1
            for number, events in self._poll.poll(wait):
                if number in self._listeners:
                    self._accept(*self._listeners[number])
                elif number in self._ways:
                    incoming, outgoing = self._ways[number]
                    if events & select.EPOLLOUT:
                        self._send(outgoing)
                    if events & ~select.EPOLLOUT and not incoming.ended:
                        self._receive(incoming)
            now = time.monotonic()
            while self._late and self._late[0][0] <= now:
                _, way, data = self._late.popleft()
                way.unsent.append(data)
                if len(way.unsent) == 1:
                    self._send(way)

    def _accept(self, listener: socket.socket, server: tuple[str, int]) -> None:
        client, _ = listener.accept()
        upstream = socket.create_connection(server)
        forth, back = Direction(client, upstream), Direction(upstream, client)
        for end, ways in ((client, (forth, back)), (upstream, (back, forth))):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ways[end.fileno()] = ways
            self._watch(end)

    def _receive(self, way: Direction) -> None:
        try:
            count = way.source.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        way.ended = not count
        way.size += count
        self._late.append((time.monotonic() + self._delay, way, bytes(self._view[:count])))
        self._watch(way.source)

    def _send(self, way: Direction) -> None:
        """Send what is due; no bytes stand for the end."""
        while way.unsent and not way.done:
            data = way.unsent.popleft()
            try:
                if data:
                    sent = way.sink.send(data)
                    way.size -= sent
                    if sent < len(data):
                        way.unsent.appendleft(data[sent:])
                        break
                else:
                    way.done = True
                    way.sink.shutdown(socket.SHUT_WR)
            except BlockingIOError:
                way.unsent.appendleft(data)
                break
            except OSError:
                way.ended = way.done = True
        if way.sink.fileno() >= 0:
            self._watch(way.sink)
            self._watch(way.source)
            self._close_if_done(way)

    def _watch(self, end: socket.socket) -> None:
        """Wait for what can be done with a socket."""
        number = end.fileno()
        incoming, outgoing = self._ways[number]
        readable = not incoming.ended and incoming.size <= MAX_BYTES_ON_THE_WAY
        writable = bool(outgoing.unsent) and not outgoing.done
        events = readable * select.EPOLLIN | writable * select.EPOLLOUT
        watched = self._watched.get(number, 0)
        if events == watched:
            return
        self._watched[number] = events
        # A socket without events would still report that its peer has closed it.
        if not events:
            self._poll.unregister(end)
        elif watched:
            self._poll.modify(end, events)
        else:
            self._poll.register(end, events)

    def _close_if_done(self, way: Direction) -> None:
        """Close both sockets once neither direction has anything left."""
        if all(each.done for each in self._ways[way.sink.fileno()]):
            for end in (way.source, way.sink):
                del self._ways[end.fileno()], self._watched[end.fileno()]
                end.close()


@contextlib.contextmanager
def relayed(milliseconds: float, servers: Sequence[tuple[str, int]]) -> Iterator[list[int]]:
    """Run a relay in a process of its own; yield the ports to connect to."""
    addresses = [f"{host}:{port}" for host, port in servers]
    command = [sys.executable, "-I", "-S", __file__, str(milliseconds), *addresses]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield [*map(int, process.stdout.readline().split())] if process.stdout else []
        finally:
            process.terminate()


def capacity() -> tuple[float, float]:
    """Return how much a relay passes: Gbit/s, and small writes per second, there and back."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        relayed(0, [server.getsockname()]) as ports,
        socket.create_connection(("127.0.0.1", ports[0])) as client,
        server.accept()[0] as accepted,
        ThreadPoolExecutor(2) as threads,
    ):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        threads.submit(accepted.sendall, bytes(CHECK_BYTES))
        receive(client, CHECK_BYTES)
        gigabits = CHECK_BYTES * 8 / (time.perf_counter() - began) / 1e9
        began = time.perf_counter()
        threads.submit(send_back, accepted, CHECK_WRITES)
        threads.submit(send_singly, client, CHECK_WRITES)
        receive(client, CHECK_WRITES)
        return gigabits, CHECK_WRITES / (time.perf_counter() - began)


def receive(source: socket.socket, size: int) -> None:
    """Receive so many bytes."""
    buffer = bytearray(READ_BYTES)
    while size > 0:
        size -= source.recv_into(buffer) or size


def send_singly(sink: socket.socket, count: int) -> None:
    """Send so many bytes, each by itself."""
    for _ in range(count):
        sink.send(b"x")


def send_back(end: socket.socket, size: int) -> None:
    """Send so many bytes back as they come."""
    while size > 0:
        data = end.recv(READ_BYTES)
        end.sendall(data)
        size -= len(data) or size


def main() -> None:
    """Run a relay until it is stopped, or check one."""
    if sys.argv[1:] == ["--check"]:
        gigabits, writes = capacity()
        print(f"{gigabits:.1f} Gbit/s; {writes:,.0f} writes of one byte per second, there and back")
        return
    milliseconds, *addresses = sys.argv[1:]
    servers = [(host, int(port)) for host, _, port in (each.partition(":") for each in addresses)]
    relay = Relay(float(milliseconds) / 2000, servers)
    print(*relay.ports, flush=True)
    relay.run()


if __name__ == "__main__":
    main()
