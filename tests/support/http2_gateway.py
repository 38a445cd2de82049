"""TLS in front of a plain web server, over HTTP/2 or HTTP/1.1 as the client chooses.

So whatever a test can serve over HTTP/1.1 has the same address and bytes in both versions.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import aiohttp
import trustme
from h2.errors import ErrorCodes
from yarl import URL

from tests.support.http2_server import Http2Server, ServerConnection, http2_server

_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding"})
_READ_BYTES = 64 * 1024


@asynccontextmanager
async def http2_gateway(
    port: int, cacert: Path | None = None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Http2Server]:
    """Run a gateway to the web server at *port*.

    Args:
        port: of the web server. It gets the name in the client's certificate as X-Client.
        cacert: gets the authority to trust, unless there is *tls*.
        tls: the context of the gateway.
    """
    if tls is None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(cacert))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(tls)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    tasks: set[asyncio.Task[None]] = set()

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        fields = server.request_fields[-1]
        tasks.add(asyncio.create_task(_relay(session, port, connection, stream_id, fields)))

    async with (
        aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=["Accept", "Accept-Encoding", "User-Agent"],
        ) as session,
        http2_server(answer, tls=tls, http1=partial(_forward, port)) as server,
    ):
        yield server
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _relay(
    session: aiohttp.ClientSession,
    port: int,
    connection: ServerConnection,
    stream_id: int,
    fields: dict[str, str],
) -> None:
    """Answer a request with what the web server answers; if that breaks off, reset the stream."""
    headers = {name: value for name, value in fields.items() if not name.startswith(":")}
    headers["Host"] = fields[":authority"]
    if connection.client:
        headers["X-Client"] = connection.client
    url = URL(f"http://127.0.0.1:{port}{fields[':path']}", encoded=True)
    body = bytearray()
    try:
        async with session.request(
            fields[":method"],
            url,
            headers=headers,
            data=connection.body(stream_id),
            allow_redirects=False,
        ) as response:
            own = [
                (name.lower(), value)
                for name, value in response.headers.items()
                if name.lower() not in _OF_THE_CONNECTION
            ]
            connection.send(connection.head(stream_id, own, str(response.status)))
            async for piece in response.content.iter_any():
                body += piece
    except aiohttp.ClientError:
        connection.send_body(stream_id, bytes(body), end=False)
        connection.reset(stream_id, ErrorCodes.INTERNAL_ERROR)
    else:
        connection.send_body(stream_id, bytes(body))
        connection.open.pop(stream_id, None)


async def _forward(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass the bytes of a connection on to the web server, and back."""
    up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_copy(reader, up_writer), _copy(up_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(_READ_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()
