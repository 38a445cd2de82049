"""Status lines and header fields that are malformed, unusual or too large."""

import asyncio

from tests.support.fault_server.registry import Request, fault
from tests.support.fault_server.responses import (
    HTML,
    PAGE,
    head,
    length,
    respond,
    send,
    send_and_close,
)


@fault("/garbage")
async def garbage(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, bytes(range(256)))


@fault("/terminal-escape")
async def terminal_escape(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"\x1b[2J\x1b]0;owned\x07 all is well\r\n\r\n")


@fault("/http-0.9")
async def http_0_9(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, PAGE)


@fault("/ssh-banner")
async def ssh_banner(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"SSH-2.0-OpenSSH_9.9\r\n")


@fault("/icy")
async def icy(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head("200 OK", [HTML, length(PAGE)], version="ICY"), PAGE)


@fault("/tls-alert")
async def tls_alert(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answer as a TLS server does when it is spoken to in the clear."""
    await send_and_close(writer, b"\x15\x03\x01\x00\x02\x02\x46")


@fault("/http-2-preface")
async def http_2_preface(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answer with a SETTINGS frame, as a server that speaks only HTTP/2."""
    await send_and_close(writer, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")


@fault("/version-9.9")
async def version_unknown(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE)], version="HTTP/9.9"), PAGE)


@fault("/status-without-reason")
async def status_without_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "200")


@fault("/status-with-long-reason")
async def status_with_long_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "200 " + "very " * 1000 + "well")


@fault("/status-with-strange-reason")
async def status_with_strange_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "404 \x1b[2J\x9b31m nothing \xe9")


@fault("/status-with-endless-reason")
async def status_with_endless_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "404 " + "not " * 10_000)


@fault("/status-99")
async def status_99(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "99 Luftballons")


@fault("/status-1000")
async def status_1000(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "1000 Nights")


@fault("/status-words")
async def status_words(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "OK 200")


@fault("/early-hints")
async def early_hints(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("103 Early Hints", [("Link", "</style.css>; rel=preload")]))
    await respond(writer)


@fault("/continue-unasked")
async def continue_unasked(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("100 Continue"))
    await respond(writer)


@fault("/many-interim-answers")
async def many_interim_answers(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("102 Processing") * 50)
    await respond(writer)


@fault("/interim-answer-only")
async def interim_answer_only(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head("103 Early Hints"))


@fault("/switching-protocols")
async def switching_protocols(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [("Connection", "upgrade"), ("Upgrade", "websocket")]
    await send_and_close(writer, head("101 Switching Protocols", headers))


@fault("/blank-line-first")
async def blank_line_first(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"\r\n", head(headers=[HTML, length(PAGE)]), PAGE)


@fault("/line-feeds-only")
async def line_feeds_only(_: Request, writer: asyncio.StreamWriter) -> None:
    plain = head(headers=[HTML, length(PAGE)]).replace(b"\r\n", b"\n")
    await send_and_close(writer, plain, PAGE)


@fault("/line-ends-with-two-carriage-returns")
async def line_ends_with_two_carriage_returns(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send what a CGI script on Windows does that writes CR LF to a stream that adds CR."""
    doubled = head(headers=[HTML, length(PAGE)]).replace(b"\r", b"\r\r")
    await send_and_close(writer, doubled, PAGE)


@fault("/header-folded")
async def header_folded(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Folded", "one\r\n two")])


@fault("/header-without-colon")
async def header_without_colon(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", PAGE)


@fault("/header-without-name")
async def header_without_name(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"HTTP/1.1 200 OK\r\n: value\r\n\r\n", PAGE)


@fault("/header-space-before-colon")
async def header_space_before_colon(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Spaced ", "value")])


@fault("/header-with-nul")
async def header_with_nul(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Nul", "a\0b")])


@fault("/header-latin-1")
async def header_latin_1(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Caf\xe9", "cr\xe8me"), ("X-Name", "\xe9t\xe9")])


@fault("/header-value-latin-1")
async def header_value_latin_1(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Name", "\xe9t\xe9")])


@fault("/validators-latin-1")
async def validators_latin_1(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("ETag", '"\xe9t\xe9"'), ("Last-Modified", "f\xe9vrier")])


@fault("/header-20-kB")
async def header_20_kb(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Policy", "p" * 20_000)])


@fault("/header-100-kB")
async def header_100_kb(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Policy", "p" * 100_000)])


@fault("/header-name-100-kB")
async def header_name_100_kb(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X" * 100_000, "value")])


@fault("/headers-500")
async def headers_500(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, *((f"X-{number}", "v") for number in range(500))])


@fault("/headers-2000")
async def headers_2000(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, *((f"X-{number}", "v") for number in range(2000))])


@fault("/headers-endless")
async def headers_endless(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        await send(writer, b"X-More: and more\r\n" * 100)


@fault("/headers-large-endless")
async def headers_large_endless(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        await send(writer, b"X-More: " + b"a" * 60_000 + b"\r\n")


@fault("/cookies-200")
async def cookies_200(_: Request, writer: asyncio.StreamWriter) -> None:
    cookies = [("Set-Cookie", f"c{number}={'v' * 100}; Path=/") for number in range(200)]
    await respond(writer, headers=[HTML, *cookies])


@fault("/cookies-malformed")
async def cookies_malformed(_: Request, writer: asyncio.StreamWriter) -> None:
    cookies = ["", "=", ";;;", "a=\x7f", '"', "x=y; Expires=never; Max-Age=soon; Domain=.."]
    await respond(writer, headers=[HTML, *(("Set-Cookie", cookie) for cookie in cookies)])


@fault("/type-missing")
async def type_missing(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[])


@fault("/type-bogus")
async def type_bogus(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[("Content-Type", "/../../etc/passwd;;charset=\xff")])


@fault("/type-twice")
async def type_twice(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("Content-Type", "image/png")])


@fault("/charset-unknown")
async def charset_unknown(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[("Content-Type", "text/html; charset=klingon")])


@fault("/charset-wrong")
async def charset_wrong(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, body=NOT_UTF_8)


@fault("/byte-order-mark")
async def byte_order_mark(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, body=WITH_BOM)


@fault("/name-with-traversal")
async def name_with_traversal(_: Request, writer: asyncio.StreamWriter) -> None:
    name = ("Content-Disposition", 'attachment; filename="../../../../tmp/owned"')
    await respond(writer, headers=[HTML, name])


WITH_BOM = b"\xef\xbb\xbf" + PAGE
NOT_UTF_8 = b"<p>caf\xe9 \xff\xfe\x80</p>"


@fault("/header-like-a-length")
async def header_like_a_length(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a line that is no field, but that another reader may take for the length."""
    await respond(writer, headers=[HTML, ("Content Length", "5")])


@fault("/header-junk-byte-by-byte")
async def header_junk_byte_by_byte(_: Request, writer: asyncio.StreamWriter) -> None:
    junk = b"HTTP/1.1 200 OK\r\nPHP Warning: no such file\r\n"
    for byte in junk + head(headers=[HTML, length(PAGE)]).partition(b"\r\n")[2]:
        await send(writer, bytes([byte]))
        await asyncio.sleep(0)
    await send(writer, PAGE)


@fault("/header-junk-after-early-hints")
async def header_junk_after_early_hints(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("103 Early Hints"))
    await asyncio.sleep(0.05)
    final = head(headers=[HTML, length(PAGE), ("PHP Warning", "no such file")])
    await send(writer, head("103 Early Hints"), final[:60])
    await asyncio.sleep(0.05)
    await send(writer, final[60:], PAGE)


@fault("/status-after-two-spaces")
async def status_after_two_spaces(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, " 200 OK")


@fault("/status-without-space")
async def status_without_space(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "200OK")


@fault("/interim-answers-endless")
async def interim_answers_endless(_: Request, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        await send(writer, head("102 Processing") * 20)
        await asyncio.sleep(0)


@fault("/drip-of-interim-answers")
async def drip_of_interim_answers(_: Request, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        await send(writer, head("102 Processing"))
        await asyncio.sleep(0.05)


@fault("/drip-of-a-head")
async def drip_of_a_head(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        await send(writer, b"X: y\r\n")
        await asyncio.sleep(0.05)
