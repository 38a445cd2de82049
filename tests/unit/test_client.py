"""Client and transfer without a network: aioresponses answers in the place of servers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aioresponses import aioresponses
from aioresponses.core import RequestCall
from yarl import URL

from downloader import ErrorKind, Failed, Options
from downloader.errors import HttpStatusError, RedirectError, UrlError
from downloader.http import Client, RedirectTrail, Response
from downloader.http.response import require_success
from downloader.http.tls_settings import tls_context
from downloader.web.urls import Url
from tests.support.clock import FakeClock
from tests.support.library import downloaded, fetch

PAGE = Url("https://site.example/page")
OTHER = Url("https://other.example/")


@pytest.fixture
def server() -> Iterator[aioresponses]:
    """Every server there is: a request that no test has an answer for fails."""
    with aioresponses() as mocked:
        yield mocked


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(Options(headers=(("X-Token", "secret"),))) as running:
        yield running


async def get(client: Client, url: Url = PAGE) -> Response:
    """Make the requests of a URL that stays on its host."""
    response = await client.get(RedirectTrail(url))
    assert response is not None
    return response


def requests(server: aioresponses, url: Url) -> list[RequestCall]:
    """Return the requests for a URL, in order."""
    return (server.requests or {})["GET", URL(url)]


def sent_headers(server: aioresponses, url: Url) -> dict[str, str]:
    """Return the header fields of the only request for a URL, by lower-case name."""
    (call,) = requests(server, url)
    return {name.lower(): value for name, value in call.kwargs["headers"].items()}


async def test_certificates_are_not_loaded_before_they_are_needed() -> None:
    tls_context.cache_clear()
    async with Client(Options()):
        assert tls_context.cache_info().currsize == 0


# --- one response ---------------------------------------------------------------------------------


async def test_a_response_has_status_type_and_body(server: aioresponses, client: Client) -> None:
    server.get(PAGE, body=b"<p>page", content_type="text/HTML; charset=utf-8")
    with await get(client) as response:
        assert (response.status, response.media_type) == (200, "text/html")
        assert await response.read_some() == b"<p>page"
        assert await response.read_some() == b""
    assert (response.url, response.redirects) == (PAGE, ())


async def test_control_characters_in_a_field_count_as_spaces(
    server: aioresponses, client: Client
) -> None:
    server.get(PAGE, headers={"ETag": '"a\tb\x7f"'})
    with await get(client) as response:
        assert response.header("ETag") == '"a b "'


async def test_a_field_that_was_not_sent_is_empty(server: aioresponses, client: Client) -> None:
    server.get(PAGE)
    with await get(client) as response:
        assert response.header("ETag") == ""
        assert response.modified is None


async def test_the_request_carries_user_agent_and_given_fields(
    server: aioresponses, client: Client
) -> None:
    server.get(PAGE)
    (await get(client)).__exit__(None, None, None)
    headers = sent_headers(server, PAGE)
    assert headers["x-token"] == "secret"
    assert headers["user-agent"].startswith("download")


@pytest.mark.parametrize("status", [200, 201, 203, 204])
async def test_a_status_of_success_promises_the_whole_resource(
    server: aioresponses, client: Client, status: int
) -> None:
    server.get(PAGE, status=status)
    with await get(client) as response:
        require_success(response)


@pytest.mark.parametrize("status", [206, 300, 304, 401, 404, 410, 429, 500, 503, 999])
async def test_any_other_status_is_an_error_that_names_it(
    server: aioresponses, client: Client, status: int
) -> None:
    server.get(PAGE, status=status, reason="Because")
    with await get(client) as response, pytest.raises(HttpStatusError) as raised:
        require_success(response)
    assert raised.value.kind is ErrorKind.HTTP_STATUS
    assert f"{status} Because" in raised.value.message


async def test_retry_after_pauses_the_host(server: aioresponses, client: Client) -> None:
    server.get(PAGE, status=503, headers={"Retry-After": "7"})
    with await get(client) as response, pytest.raises(HttpStatusError) as raised:
        require_success(response)
    assert raised.value.pause == ("site.example", 7)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aiohttp.ServerDisconnectedError(), ErrorKind.CONNECT),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), ErrorKind.CONNECT),
        (aiohttp.ServerTimeoutError(), ErrorKind.TIMEOUT),
        (aiohttp.ClientPayloadError("not all bytes came"), ErrorKind.TRUNCATED),
    ],
)
async def test_errors_of_aiohttp_become_kinds_of_failure(
    server: aioresponses, client: Client, error: Exception, kind: ErrorKind
) -> None:
    server.get(PAGE, exception=error)
    with pytest.raises(UrlError) as raised:
        await get(client)
    assert raised.value.kind is kind


# --- redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_a_host_is_followed_at_once(
    server: aioresponses, client: Client, status: int
) -> None:
    server.get(PAGE, status=status, headers={"Location": "/new#part"})
    server.get("https://site.example/new", body=b"new")
    with await get(client) as response:
        assert await response.read_some() == b"new"
    assert (response.url, response.redirects) == ("https://site.example/new", (PAGE,))


async def test_a_redirect_to_another_host_waits_for_its_turn(
    server: aioresponses, client: Client
) -> None:
    server.get(PAGE, status=302, headers={"Location": OTHER})
    trail = RedirectTrail(PAGE)
    assert await client.get(trail) is None
    assert (trail.next, trail.redirects) == (OTHER, (PAGE,))


async def test_fields_of_the_user_do_not_follow_a_redirect_to_another_origin(
    server: aioresponses, client: Client
) -> None:
    server.get(PAGE, status=302, headers={"Location": OTHER})
    server.get(OTHER, body=b"other")
    with await client.follow(PAGE, PAGE) as response:
        assert await response.read_some() == b"other"
    assert sent_headers(server, PAGE)["x-token"] == "secret"
    assert "x-token" not in sent_headers(server, OTHER)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        (None, "302 without a Location"),
        ("javascript:alert(1)", "redirects to 'javascript:alert(1)'"),
        ("ftp://site.example/", "redirects to 'ftp://site.example/'"),
        ("http://", "redirects to 'http://'"),
    ],
)
async def test_a_redirect_that_leads_nowhere_on_the_web_fails(
    server: aioresponses, client: Client, location: str | None, said: str
) -> None:
    server.get(PAGE, status=302, headers={"Location": location} if location else {})
    with pytest.raises(RedirectError) as raised:
        await get(client)
    assert said in raised.value.message


async def test_redirects_end_at_their_limit(server: aioresponses) -> None:
    server.get(PAGE, status=302, headers={"Location": PAGE}, repeat=True)
    async with Client(Options(max_redirects=3)) as client:
        with pytest.raises(RedirectError, match="more than 3 redirects") as raised:
            await get(client)
    assert raised.value.hint == "see --max-redirects"
    assert len(requests(server, PAGE)) == 4


# --- a transfer: attempts until there is an outcome -----------------------------------------------


async def test_a_transient_failure_is_tried_again(server: aioresponses, tmp_path: Path) -> None:
    server.get(PAGE, status=503)
    server.get(PAGE, exception=aiohttp.ServerDisconnectedError())
    server.get(PAGE, body=b"at last", content_type="text/html")
    clock = FakeClock()
    (outcome,) = await fetch([PAGE], tmp_path, clock=clock)
    assert downloaded(outcome).attempts == 3
    assert (tmp_path / downloaded(outcome).path).read_bytes() == b"at last"
    assert clock.now > 0


async def test_attempts_end_when_the_retries_are_used_up(
    server: aioresponses, tmp_path: Path
) -> None:
    server.get(PAGE, status=500, repeat=True)
    (outcome,) = await fetch([PAGE], tmp_path, Options(retries=2))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.status, outcome.attempts) == (ErrorKind.HTTP_STATUS, 500, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_lasting_failure_is_not_tried_again(
    server: aioresponses, tmp_path: Path, status: int
) -> None:
    server.get(PAGE, status=status)
    (outcome,) = await fetch([PAGE], tmp_path)
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.attempts) == (status, 1)


async def test_the_next_attempt_waits_for_retry_after(server: aioresponses, tmp_path: Path) -> None:
    server.get(PAGE, status=429, headers={"Retry-After": "40"})
    server.get(PAGE, body=b"at last")
    clock = FakeClock()
    (outcome,) = await fetch([PAGE], tmp_path, clock=clock)
    assert downloaded(outcome).attempts == 2
    assert clock.now >= 40


async def test_an_outcome_names_the_redirects_and_the_last_address(
    server: aioresponses, tmp_path: Path
) -> None:
    server.get(PAGE, status=301, headers={"Location": OTHER})
    server.get(OTHER, body=b"other", content_type="text/html")
    (outcome,) = await fetch([PAGE], tmp_path)
    page = downloaded(outcome)
    assert (page.url, page.final_url) == (PAGE, OTHER)


async def test_a_failure_beside_a_page_does_not_touch_it(
    server: aioresponses, tmp_path: Path
) -> None:
    server.get(PAGE, exception=TimeoutError())
    server.get(OTHER, body=b"other", content_type="text/html")
    failed, page = await fetch([PAGE, OTHER], tmp_path, Options(retries=0))
    assert isinstance(failed, Failed)
    assert failed.kind is ErrorKind.TIMEOUT
    assert (tmp_path / downloaded(page).path).read_bytes() == b"other"
