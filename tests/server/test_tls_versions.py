"""Versions and ciphers of TLS, as the user chooses."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from downloader import Failed, Options
from downloader.errors import ErrorKind
from tests.support.command import Command
from tests.support.library import fetch


@pytest.fixture
def old_server(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a server that speaks only TLS 1.0; its authority is in ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, tls), daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"


def _serve(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Answer by blocking calls: asyncio sends no alert when a handshake fails."""
    with suppress(OSError):
        while True:
            accepted, _ = listener.accept()
            with suppress(OSError), tls.wrap_socket(accepted, server_side=True) as stream:
                stream.recv(4096)
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_server_fails_with_a_hint_that_helps(
    old_server: str, command: Command, tmp_path: Path
) -> None:
    given = ("--cacert", str(tmp_path / "ca.pem"), "--no-save", "--retries", "0", old_server)
    ran = await command(*given)
    assert ran.status == 1
    assert any("(tls); --tls-min 1.0 allows older versions" in line for line in ran.err), ran.err
    ran = await command("--tls-min", "1.0", *given)
    assert ran.status == 0, ran.err


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["closed", "reset"])
async def test_a_server_that_leaves_the_handshake_is_asked_again(
    linger: bytes | None, tmp_path: Path
) -> None:
    def leave(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                accepted.recv(4096)
                if linger is not None:
                    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                accepted.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=leave, args=(listener,), daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        async with asyncio.timeout(30):
            (outcome,) = await fetch([url], tmp_path, Options(retries=1))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.TLS, 2)
    assert outcome.message == "the server closed the connection during the TLS handshake"
    assert "--tls-min" in outcome.hint
    assert "--cert" in outcome.hint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--ciphers", "none"), "OpenSSL knows none of these ciphers; see --ciphers"),
        (("--tls-min", "2"), "'2' is not one of"),
    ],
)
async def test_what_openssl_does_not_know_is_one_clear_line(
    options: tuple[str, ...], message: str, command: Command
) -> None:
    ran = await command(*options, "http://127.0.0.1:9/")
    assert ran.status == 2
    assert message in ran.err[-1]
