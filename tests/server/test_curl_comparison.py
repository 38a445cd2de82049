"""The requests of ``download`` beside those that curl makes for the same wish."""

import asyncio
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.recording_server import RecordedRequest, recording_server

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "curl-options.md"
HEADING = "## On the wire\n"
#: Values of Digest that a client chooses at random, or computes of such.
RANDOM_OF_DIGEST = re.compile(r'\b(cnonce|response)="?[^",]*"?')


@dataclass(frozen=True)
class Wish:
    """One wish, said to both.

    ``{origin}``, ``{port}`` and ``{folder}`` are replaced in all texts.

    Attributes:
        url: what is asked for.
        curl: the options of curl.
        download: ours; None if they are the same.
    """

    url: str
    curl: tuple[str, ...] = ()
    download: tuple[str, ...] | None = None


WISHES = {
    "a page": Wish("{origin}/page"),
    "a query": Wish("{origin}/page?a=1&b=%20+"),
    "a fragment": Wish("{origin}/page#part"),
    "a path with dots": Wish("{origin}/a/../page"),
    "text that is not ASCII": Wish("{origin}/p%C3%A4ge"),
    "a name": Wish("http://localhost:{port}/page"),
    "a header": Wish("{origin}/page", ("-H", "X-Tide: high")),
    "two headers of one name": Wish("{origin}/page", ("-H", "X-A: 1", "-H", "X-A: 2")),
    "its own Host": Wish("{origin}/page", ("-H", "Host: example.org")),
    "its own Accept": Wish("{origin}/page", ("-H", "Accept: text/html")),
    "a referrer": Wish(
        "{origin}/page", ("-e", "https://a.example/"), ("--referer", "https://a.example/")
    ),
    "a redirect": Wish("{origin}/302/to/page", ("-L",), ()),
    "a permanent redirect": Wish("{origin}/308/to/page?a=b", ("-L",), ()),
    "a referrer, redirected": Wish(
        "{origin}/302/to/page", ("-L", "-e", "https://a/"), ("--referer", "https://a/")
    ),
    "a password": Wish("{origin}/page", ("-u", "ada:s3cret")),
    "a password with a colon": Wish("{origin}/page", ("-u", "ada:a:b")),
    "a password, redirected": Wish("{origin}/302/to/page", ("-L", "-u", "ada:x"), ("-u", "ada:x")),
    "a password in the URL": Wish("http://ada:p%40ss@127.0.0.1:{port}/page"),
    "a token": Wish("{origin}/page", ("--oauth2-bearer", "t0ken"), ("--bearer", "t0ken")),
    "digest": Wish("{origin}/digest?a=b", ("--digest", "-u", "ada:s3cret")),
    "netrc": Wish("{origin}/page", ("--netrc-file", "{folder}/.netrc"), ("--netrc",)),
    "cookies of a file": Wish(
        "{origin}/inside/page", ("-b", "{folder}/cookies"), ("--cookies", "{folder}/cookies")
    ),
    "cookies of the first page": Wish("{origin}/set", ("-L", "-b", ""), ()),
    "a cookie of one's own": Wish("{origin}/page", ("-H", "Cookie: a=1")),
    "cookies of a file, without those of servers": Wish(
        "{origin}/302/to/inside/page",
        ("-L", "-b", "{folder}/cookies"),
        ("--cookies", "{folder}/cookies"),
    ),
    "a form, redirected": Wish("{origin}/303/to/page", ("-L", "-d", "a=1"), ("--data", "a=1")),
    "a form, redirected for a while": Wish(
        "{origin}/302/to/page", ("-L", "-d", "a=1"), ("--data", "a=1")
    ),
    "a form, redirected as it is": Wish(
        "{origin}/307/to/page", ("-L", "-d", "a=1"), ("--data", "a=1")
    ),
    "a form by a proxy": Wish(
        "http://www.example/page",
        ("-x", "{origin}", "-d", "a=1"),
        ("-x", "{origin}", "--data", "a=1"),
    ),
    "an address for a name": Wish(
        "http://www.example:{port}/page", ("--resolve", "www.example:{port}:127.0.0.1")
    ),
    "IPv4": Wish("http://localhost:{port}/page", ("-4",)),
    "an interface": Wish("{origin}/page", ("--interface", "127.0.0.1")),
    "a proxy": Wish("http://www.example/page?a", ("-x", "{origin}")),
    "a proxy, and a port": Wish("http://www.example:81/page", ("-x", "{origin}")),
    "a proxy, and its password": Wish(
        "http://www.example/page", ("-x", "{origin}", "--proxy-user", "ada:s3cret")
    ),
    "a proxy, and its password in the URL": Wish(
        "http://www.example/page", ("-x", "http://ada:p%40ss@127.0.0.1:{port}")
    ),
    "a proxy, and a redirect": Wish(
        "http://www.example/302/to/page", ("-L", "-x", "{origin}"), ("-x", "{origin}")
    ),
    "a proxy, and a password of the site": Wish(
        "http://www.example/page", ("-x", "{origin}", "-u", "ada:s3cret")
    ),
    "no proxy": Wish("{origin}/page", ("-x", "http://127.0.0.1:9", "--noproxy", "127.0.0.1")),
    "a tunnel": Wish("https://www.example/page", ("-x", "{origin}")),
    "a tunnel, and its password": Wish(
        "https://www.example:8443/page",
        ("-x", "{origin}", "-U", "a:b"),
        ("-x", "{origin}", "--proxy-user", "a:b"),
    ),
    "uncompressed": Wish("{origin}/page", (), ("--no-compressed",)),
}


#: Requests with bodies and methods; ``METHOD`` is replaced by each one's own option.
BODIES = [
    ("--data", "a=1"),
    ("--data", "a=1", "--data", "b=2&c=%20"),
    ("--data", ""),
    ("--data", "a=\u00e9 b"),
    ("--data", "@{folder}/lines"),
    ("--data", "a=1", "--data", "@{folder}/lines"),
    ("--data-binary", "@{folder}/lines"),
    ("--data-binary", "@{folder}/empty"),
    ("--data-binary", "@{folder}/large"),
    ("--data-binary", "text\n"),
    ("--data", "a=1", "METHOD", "PUT"),
    ("--data", "a=1", "METHOD", "GET"),
    ("--data", "a=1", "METHOD", "DELETE"),
    ("--data-binary", "{{}}", "-H", "Content-Type: application/json"),
    ("--data-binary", "{{}}", "-H", "content-type: text/x", "METHOD", "PATCH"),
    ("METHOD", "DELETE"),
    ("METHOD", "OPTIONS"),
    ("METHOD", "POST"),
    ("METHOD", "PROPFIND", "-H", "Depth: 1"),
    ("METHOD", "M-SEARCH"),
    ("--data", "a=1", "-u", "name:secret"),
    ("--data", "a=1", "-H", "X-A: 1", "-H", "X-B: 2"),
    ("--data", "a=1", "--referer", "https://example.org/"),
]
WISHES |= {
    " ".join(options): Wish(
        "{origin}/page?query=1",
        tuple("-X" if each == "METHOD" else each for each in options),
        tuple("--method" if each == "METHOD" else each for each in options),
    )
    for options in BODIES
}


def named_fields() -> frozenset[str]:
    """Return the fields that the documentation says differ."""
    section = PAGE.read_text(encoding="utf-8").partition(HEADING)[2]
    rows = re.findall(r"^\| `([A-Z][A-Za-z-]+)", section, re.MULTILINE)
    return frozenset(name.lower() for name in rows)


def _comparable(request: RecordedRequest) -> RecordedRequest:
    # A length is the same unless there is no body.
    kept = request.without(named_fields() - ({"content-length"} if request.body else set()))
    return replace(
        kept, fields=tuple((name, _comparable_value(value)) for name, value in kept.fields)
    )


def _comparable_value(value: str) -> str:
    """Return a header's value; of Digest, its parameters in one order."""
    scheme, _, parameters = value.partition(" ")
    if scheme != "Digest":
        return value
    return ",".join(sorted(RANDOM_OF_DIGEST.sub(r"\1", parameters).replace(" ", "").split(",")))


@pytest.mark.slow(keep=4)
@pytest.mark.parametrize("name", WISHES)
async def test_a_request_is_the_one_that_curl_makes(name: str, command: Command) -> None:
    wish = WISHES[name]
    (command.folder / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    (command.folder / ".netrc").chmod(0o600)
    cookie = "127.0.0.1\tFALSE\t/inside\tFALSE\t0\tsession\tx1\n"
    (command.folder / "cookies").write_text(f"# Netscape HTTP Cookie File\n{cookie}")
    (command.folder / "lines").write_bytes(b"a=1\r\nb=2\nc=3\n")
    (command.folder / "empty").touch()
    (command.folder / "large").write_bytes(bytes(range(256)) * 2000)
    async with recording_server() as server:

        def filled(*texts: str) -> list[str]:
            values = {"origin": server.origin, "port": server.port, "folder": command.folder}
            return [text.format(**values) for text in texts]

        curl = await asyncio.create_subprocess_exec(
            *("curl", "-q", "-s", "-o", "/dev/null", "--max-time", "30"),
            *filled(*wish.curl, wish.url),
            env=command.environment,
        )
        await curl.wait()
        theirs, server.requests = server.requests, []
        ours = wish.curl if wish.download is None else wish.download
        ran = await command("--no-save", "--retries", "0", *filled(*ours, wish.url))
        assert theirs, "curl has asked"
        assert [_comparable(request) for request in server.requests] == [
            _comparable(request) for request in theirs
        ], ran.err


def test_the_documentation_names_no_field_that_is_always_the_same() -> None:
    assert named_fields() == {
        *("user-agent", "accept-encoding", "proxy-connection", "content-length", "expect"),
    }
