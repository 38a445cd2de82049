"""Redirects: every form of Location, loops, and bodies that misbehave."""

import asyncio

from tests.support.fault_server.pages import page
from tests.support.fault_server.registry import Answer, Request, fault
from tests.support.fault_server.responses import (
    CHUNKED,
    LARGE,
    PAGE,
    chunk,
    head,
    length,
    redirect,
    respond,
    send,
    send_and_close,
    stall,
)

#: By name: what the Location field says, where one character is one byte.
LOCATIONS = {
    "absolute-path": "/page",
    "relative": "../page",
    "dots-above-root": "/../../../page",
    "fragment": "/page#part",
    "latin-1": "/caf\xe9",
    "utf-8": "/caf\xc3\xa9",
    "spaces": "/two words",
    "spaces-around": "  /page  ",
    "quotes": "/it's",
    "percent": "/a%2Fb%27c",
    "backslashes": "\\page",
    "tab-inside": "/pa\tge",
    "itself": "/redirect/itself",
    "empty": "",
    "javascript": "javascript:alert(1)",
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/page",
    "data": "data:text/html,owned",
    "no-address": "http://",
    "port-out-of-range": "http://127.0.0.1:99999/",
    "escape": "gopher://\x1b[31m/",
    "dead-host": "http://no-such-host.invalid/",
    "dead-port": "http://127.0.0.1:1/",
    "long-label": f"http://{'a' * 70}.invalid/",
    "empty-label": "http://a..invalid/",
}


def _redirecting(location: str) -> Answer:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        await redirect(writer, location)

    return answer


for _name, _location in LOCATIONS.items():
    fault(f"/redirect/{_name}")(_redirecting(_location))


for _path in ("/caf%E9", "/caf%C3%A9", "/two%20words", "/it's", "/a%2Fb%27c"):
    fault(_path)(page)


def _host(request: Request) -> str:
    return request.headers["host"]


@fault("/redirect/same-scheme")
async def redirect_same_scheme(request: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, f"//{_host(request)}/page")


@fault("/redirect/absolute")
async def redirect_absolute(request: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, f"http://{_host(request)}/page")


@fault("/redirect/to-another-scheme")
async def redirect_to_tls(request: Request, writer: asyncio.StreamWriter) -> None:
    """Send the client to TLS on a port that speaks none."""
    await redirect(writer, f"https://{_host(request)}/page")


@fault("/redirect/without-location")
async def redirect_without_location(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "301 Moved Permanently")


@fault("/redirect/endless")
async def redirect_endless(request: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, f"/redirect/endless?{request.path.count('x') * 'x'}x")


@fault("/redirect/permanent")
async def redirect_permanent(_: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, "/page", "308 Permanent Redirect")


@fault("/redirect/with-body-cut")
async def redirect_with_body_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [("Location", "/page"), length(PAGE)]
    await send_and_close(writer, head("302 Found", headers), PAGE[:10])


@fault("/redirect/with-body-too-long")
async def redirect_with_body_too_long(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [("Location", "/page"), length(PAGE)]
    await send(writer, head("302 Found", headers), PAGE, b"bytes too many")


@fault("/redirect/with-body-that-stalls")
async def redirect_with_body_that_stalls(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("302 Found", [("Location", "/page"), length(PAGE)]), PAGE[:10])
    await stall()


@fault("/redirect/with-endless-body")
async def redirect_with_endless_body(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("302 Found", [("Location", "/page"), CHUNKED]))
    while not writer.is_closing():
        await send(writer, chunk(LARGE[:4096]))


@fault("/redirect/see-other-to-failure")
async def redirect_to_failure(_: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, "/status/404", "303 See Other")


@fault("/redirect/two-locations")
async def redirect_two_locations(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "302 Found", [("Location", "/page"), ("Location", "/before")], b"")
