"""The library: one call for a list, one iterator for lists too long to hold."""

import asyncio
import gc
import hashlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aioresponses import aioresponses

from downloader import (
    Checksum,
    Downloaded,
    ErrorKind,
    Failed,
    Options,
    Outcome,
    OutputError,
    Skipped,
    Target,
    download_sites,
    iter_sites,
)
from downloader.core.event_loop import new_event_loop
from downloader.core.local_run import LocalRun
from downloader.http import Response
from downloader.http.response import require_success
from downloader.sources import from_items
from downloader.web.urls import parse
from tests.support.files import saved_files
from tests.support.web_server import Site


async def test_outcomes_come_back_in_the_order_of_the_list(tmp_path: Path) -> None:
    with aioresponses() as mocked:
        mocked.get("https://a.example/", body="A", content_type="text/html")
        mocked.get("https://b.example/", status=404)
        first, second, third, fourth = await download_sites(
            ["a.example", "https://b.example/", "https://a.example", "ftp://c.example"], tmp_path
        )
    assert isinstance(first, Downloaded)
    assert first.path == "a.example.html"
    assert isinstance(second, Failed)
    assert (second.kind, second.status) == (ErrorKind.HTTP_STATUS, 404)
    assert isinstance(third, Skipped)
    assert isinstance(fourth, Failed)
    assert fourth.kind is ErrorKind.BAD_URL


async def test_the_three_sizes_of_a_page_are_told_apart(site: Site, tmp_path: Path) -> None:
    text = "Füße " * 2000

    async def page(_request: web.Request) -> web.Response:
        response = web.Response(text=text, content_type="text/html")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    site.pages = {"/": page}
    (outcome,) = await download_sites([site.url()], tmp_path)
    assert isinstance(outcome, Downloaded)
    assert outcome.sizes.wire < 200
    assert outcome.sizes.saved == len(text.encode())
    assert outcome.sizes.characters == len(text)
    assert outcome.content_coding == "gzip"
    assert (tmp_path / outcome.path).read_text() == text


async def test_a_body_that_is_not_the_promised_one_is_a_failure(site: Site, tmp_path: Path) -> None:
    site.pages = {"/good": b"data", "/bad": b"other"}
    promise = Checksum("sha256", hashlib.sha256(b"data").hexdigest())
    good, bad = await download_sites(
        [Target(url=parse(site.url(path)), checksum=promise) for path in site.pages], tmp_path
    )
    assert isinstance(good, Downloaded)
    assert isinstance(bad, Failed)
    assert bad.kind is ErrorKind.CHECKSUM
    assert saved_files(tmp_path) == {good.path}


async def test_no_more_tasks_are_alive_than_the_limit_and_each_is_named_by_its_url(
    site: Site, tmp_path: Path
) -> None:
    most = 0
    names: set[str] = set()

    async def page(request: web.Request) -> web.Response:
        nonlocal most
        await asyncio.sleep(0)
        alive = {task.get_name() for task in asyncio.all_tasks()}
        mine = {name for name in alive if name.startswith(site.url("/page/"))}
        most = max(most, len(mine))
        names.update(mine)
        return web.Response(text=request.path)

    addresses = [site.url(f"/page/{number}") for number in range(300)]
    site.pages = {f"/page/{number}": page for number in range(300)}
    outcomes = await download_sites(
        addresses, tmp_path, options=Options(concurrency=7, per_host=50)
    )
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    assert most == 7
    assert names == set(addresses)


async def test_a_long_list_is_consumed_no_further_ahead_than_needed(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": "page"}
    pulled = 0

    def endless() -> Iterator[str]:
        nonlocal pulled
        while True:
            pulled += 1
            yield site.url("/")

    async with aclosing(iter_sites(endless(), tmp_path)) as outcomes:
        async for outcome in outcomes:
            assert isinstance(outcome, Downloaded | Skipped)
            break
    assert pulled < 5000


async def test_leaving_the_loop_early_leaves_no_task_behind(site: Site, tmp_path: Path) -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    site.pages = {"/1": "page", "/2": never}
    async with aclosing(iter_sites(map(site.url, site.pages), tmp_path)) as outcomes:
        async for _outcome in outcomes:
            break
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not {name for name in names if name.startswith(site.url())}
    gc.collect()


async def test_a_defect_is_reported_for_its_url_and_the_rest_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages = {"/1": "page", "/2": "page"}

    def defective(response: Response) -> None:
        if response.url.endswith("/1"):
            raise ZeroDivisionError("oops")
        require_success(response)

    monkeypatch.setattr("downloader.core.fetch.require_success", defective)
    broken, fine = await download_sites(map(site.url, site.pages), tmp_path)
    assert isinstance(broken, Failed)
    assert broken.kind is ErrorKind.INTERNAL
    assert "ZeroDivisionError: oops" in broken.traceback
    assert isinstance(fine, Downloaded)


async def test_an_exception_of_the_caller_s_generator_reaches_the_caller(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": "page"}

    def failing() -> Iterator[str]:
        yield site.url("/")
        raise KeyError("from the generator")

    with pytest.raises(KeyError, match="from the generator"):
        await download_sites(failing(), tmp_path)
    assert (tmp_path / f"{site.folder}.html").exists()


async def test_a_folder_that_is_a_file_is_an_error_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        await download_sites(["a.example"], tmp_path / "file")


async def test_own_headers_do_not_follow_a_redirect_to_another_origin(
    site: Site, tmp_path: Path
) -> None:
    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound(site.url("/there").replace("127.0.0.1", "localhost"))

    site.pages = {"/": away, "/there": "page"}
    options = Options(headers=(("X-API-Key", "secret"), ("Accept-Language", "de")))
    (outcome,) = await download_sites([site.url()], tmp_path, options=options)
    assert isinstance(outcome, Downloaded)
    here, there = site.requests
    assert here.headers["X-API-Key"] == "secret"
    assert "X-API-Key" not in there.headers
    assert there.headers["Accept-Language"] == "de"


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"per_host": 0},
        {"delay": -1.0},
        {"limit_rate": -1},
        {"read_timeout": 0.0},
        {"timeout": -1.0},
        {"max_redirects": -1},
    ],
)
def test_options_out_of_range_are_refused_at_once(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Options(**wrong)  # type: ignore[arg-type]


async def test_lines_of_an_open_file_are_addresses(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": "page"}
    list_file = tmp_path / "urls.txt"
    list_file.write_text(f"{site.url('/')}\n")
    with list_file.open() as stream:
        outcomes = [outcome async for outcome in iter_sites(stream, tmp_path / "out")]
    assert isinstance(outcomes[0], Downloaded)


async def test_a_consumer_that_takes_its_time_holds_the_list_back(
    site: Site, tmp_path: Path
) -> None:
    pulled = 0

    def bad_lines() -> Iterator[str]:
        nonlocal pulled
        for _ in range(20_000):
            pulled += 1
            yield "ftp://no"

    async with aclosing(iter_sites(bad_lines(), tmp_path)) as outcomes:
        await anext(outcomes)
        for _ in range(2000):
            await asyncio.sleep(0)
        assert pulled < 4000


def test_leaving_the_loop_with_a_plain_break_ends_quietly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        urls = ["ftp://no", *(f"http://127.0.0.1:{port}/{number}" for number in range(5))]
        async for _outcome in iter_sites(urls, tmp_path):
            break

    # A socket whose connections nobody takes: requests stay under way.
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asyncio.run(main())
    gc.collect()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_generator_that_ends_the_program_does_not_hang_it(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def ending() -> Iterator[str]:
        yield "ftp://no"
        raise error

    with pytest.raises(error):
        asyncio.run(download_sites(ending(), tmp_path))


@pytest.mark.parametrize("turns", range(6))
async def test_a_run_that_is_stopped_while_it_starts_ends(
    site: Site, tmp_path: Path, turns: int
) -> None:
    site.pages = {f"/{number}": "page" for number in range(300)}
    batch = LocalRun(
        lambda _fetch_list: from_items(map(site.url, site.pages)), Options(output=tmp_path)
    )

    async def consume() -> int:
        return len([outcome async for outcome in batch.outcomes()])

    running = asyncio.create_task(consume())
    for _ in range(turns):
        await asyncio.sleep(0)
    batch.stop(now=True)
    async with asyncio.timeout(20):
        assert await running < 300


def test_many_silent_names_do_not_keep_others_from_being_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = threading.Event()
    genuine = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **how: Any) -> Any:
        if host.startswith("silent"):
            silence.wait(20)
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return genuine("127.0.0.1", port, *rest, **how)

    async def main() -> list[Outcome]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(32))
        found: list[Outcome] = []
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        names = [f"http://silent-{n}.test:{port}/" for n in range(12)] + [f"http://ok.test:{port}/"]
        async for outcome in iter_sites(names, tmp_path, options=Options(retries=0)):
            found.append(outcome)
            silence.set()
        return found

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        first, *_ = runner.run(main())
    assert isinstance(first, Failed)
    assert (first.index, first.message) == (12, "connection refused")
