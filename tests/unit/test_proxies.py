"""Which URLs are requested through which proxy."""

import asyncio
import pickle

import pytest
from hyperframe.frame import SettingsFrame

from downloader import Options
from downloader.cli.proxies import proxy_fields
from downloader.errors import RunError
from downloader.http.connection import Connection
from downloader.http.http2.settings import Http2Settings
from downloader.http.http2.windows import WindowBudget
from downloader.http.proxies import as_to_origin
from downloader.web.proxies import NoProxy, Proxy, ProxyScheme, parse_proxy
from downloader.web.urls import parse
from tests.support.http2_connection import OpenTransport


@pytest.mark.parametrize(
    ("text", "shown", "credentials"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", None),
        ("proxy.example:3128/", "http://proxy.example:3128", None),
        ("proxy.example", "http://proxy.example:1080", None),
        ("http://proxy.example:80", "http://proxy.example:80", None),
        ("HTTPS://Proxy.Example", "https://proxy.example:443", None),
        ("socks5://127.0.0.1", "socks5://127.0.0.1:1080", None),
        ("socks5h://[::1]:9050", "socks5h://[::1]:9050", None),
        ("http://[::1]", "http://[::1]:1080", None),
        ("http://ada:p%40ss%3A%2F@proxy:1", "http://proxy:1", (b"ada", b"p@ss:/")),
        ("http://ada:a@b@proxy:1", "http://proxy:1", (b"ada", b"a@b")),
        ("http://ada@proxy:1", "http://proxy:1", (b"ada", b"")),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(
    text: str, shown: str, credentials: tuple[bytes, bytes] | None
) -> None:
    proxy = parse_proxy(text)
    assert (str(proxy), proxy.credentials) == (shown, credentials)
    assert parse_proxy(proxy.url) == proxy


@pytest.mark.parametrize(
    "text",
    [
        *("", "http://", "http://:3128", "htp://proxy:1", "socks4://proxy", "http://proxy:0"),
        *("http://proxy:65536", "http://proxy:x", "http://proxy:", "http://wpad/wpad.dat"),
        *("http://a b:1", "http://proxy:1?x", "http://[::1:1", "http://proxy\n:1", "//proxy:1"),
        *("file:///etc/passwd", "http://ada:secret@", f"socks5://ada:{'secret' * 50}@proxy"),
        *("http://proxy:" + "9" * 5000, "http://" + "a" * 70 + ".example:1:2"),
    ],
)
def test_what_is_no_proxy_is_refused_in_one_line_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"prox|SOCKS5|port") as caught:
        parse_proxy(text)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    assert "secret" not in message


def test_a_password_is_not_shown_by_what_holds_it() -> None:
    proxy = parse_proxy("http://ada:secret@proxy:1")
    options = Options(http_proxy=proxy.url, https_proxy=proxy.url)
    assert "secret" not in f"{proxy} {proxy!r} {options} {options!r}"
    assert pickle.loads(pickle.dumps(options)) == options


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "http://example.com/", False),
        ("*", "http://example.com/", True),
        ("example.com", "http://example.com/", True),
        ("example.com", "https://www.example.com:8443/", True),
        ("example.com", "http://notexample.com/", False),
        ("example.com", "http://example.com.evil/", False),
        (".example.com", "http://example.com/", True),
        (".example.com", "http://www.example.com/", True),
        ("*.example.com", "http://www.example.com/", True),
        ("EXAMPLE.com.", "http://example.com./", True),
        ("www.example.com", "http://example.com/", False),
        ("a, example.com", "http://example.com/", True),
        ("a example.com", "http://example.com/", True),
        ("example.com:8080", "http://example.com:8080/", True),
        ("example.com:8080", "http://example.com/", False),
        ("example.com:80", "http://example.com/", True),
        ("example.com:443", "https://example.com/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.1/8", "http://10.1.2.3/", True),
        ("10.0.0.0/99", "http://10.0.0.0/", False),
        ("127.0.0.1", "http://127.0.0.1:8080/", True),
        ("127.0.0.1:8081", "http://127.0.0.1:8080/", False),
        ("0.0.1", "http://127.0.0.1/", False),
        ("10.0.0.0/8", "http://10.example/", False),
        ("::1", "http://[::1]/", True),
        ("[::1]", "http://[::1]:8080/", True),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("fe80::/10", "http://[fe81::2]/", True),
        ("fe80::/10", "http://10.0.0.1/", False),
        (",,  ,", "http://example.com/", False),
        (".", "http://example.com/", False),
    ],
)
def test_hosts_without_a_proxy_are_told_as_by_curl(
    no_proxy: str, url: str, *, direct: bool
) -> None:
    assert NoProxy(no_proxy).matches(parse(url)) is direct


P, Q, R = "http://p:1", "http://q:2", "http://r:3"


@pytest.mark.parametrize(
    ("variables", "http", "https"),
    [
        ({}, None, None),
        ({"http_proxy": P}, P, None),
        ({"HTTP_PROXY": P}, None, None),  # a CGI program gets it from a request
        ({"https_proxy": P, "HTTPS_PROXY": Q}, None, P),
        ({"HTTPS_PROXY": Q}, None, Q),
        ({"all_proxy": "https://r:3"}, "https://r:3", "https://r:3"),
        ({"ALL_PROXY": "socks5h://r:3"}, "socks5h://r:3", "socks5h://r:3"),
        ({"http_proxy": P, "https_proxy": Q, "all_proxy": R}, P, Q),
        ({"http_proxy": "", "all_proxy": R}, R, R),
    ],
)
def test_variables_name_proxies_as_for_curl(
    variables: dict[str, str], http: str | None, https: str | None
) -> None:
    found = proxy_fields(None, None, None, variables)
    assert (found["http_proxy"], found["https_proxy"]) == (http, https)


def test_options_go_before_variables() -> None:
    environment = {"http_proxy": P, "https_proxy": P, "no_proxy": "a", "NO_PROXY": "b"}
    assert proxy_fields(None, None, None, environment)["no_proxy"] == "a"
    assert proxy_fields(None, None, "", environment)["no_proxy"] == ""
    assert proxy_fields("", None, None, environment)["https_proxy"] is None
    chosen = proxy_fields("socks5://u:v@q:2", ("ada", "p@:ss"), None, environment)
    assert chosen["http_proxy"] == chosen["https_proxy"] == "socks5://ada:p%40%3Ass@q:2"


def test_a_malformed_variable_is_named_without_its_password() -> None:
    with pytest.raises(RunError, match=r"^HTTPS_PROXY: 'htp://ada:\*\*\*@p' is no proxy"):
        proxy_fields(None, None, None, {"HTTPS_PROXY": "htp://ada:secret@p"})


def test_an_archived_request_is_the_one_to_the_origin_without_secrets() -> None:
    sent = (
        b"GET http://example.com:8080/a?b HTTP/1.1\r\nHost: example.com:8080\r\n"
        b"Proxy-Authorization: Basic c2VjcmV0\r\nAccept: */*\r\n\r\nbody"
    )
    assert as_to_origin(sent) == (
        b"GET /a?b HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\n\r\nbody"
    )
    direct = b"GET /http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"
    assert as_to_origin(direct) is direct


def test_the_scheme_says_who_resolves_names() -> None:
    assert Proxy(ProxyScheme.SOCKS5, "p", 1).is_socks
    assert not Proxy(ProxyScheme.HTTPS, "p", 1).is_socks


async def test_what_comes_before_a_tunnel_is_handed_over_is_not_lost() -> None:
    settings = Http2Settings(WindowBudget(), 30, keep_requests=False, prior_knowledge=True)
    connection = Connection(asyncio.get_running_loop(), settings)
    frame = SettingsFrame(settings={SettingsFrame.MAX_CONCURRENT_STREAMS: 7})
    connection.data_received(frame.serialize())
    connection.connection_made(OpenTransport())
    assert connection.http2 is not None
    assert connection.http2.max_streams == 7
    connection.http2.close()
