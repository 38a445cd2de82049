"""The command as a user types it: real process, real server."""

import asyncio
import gzip
import os
import re
import signal
from importlib.metadata import version
from pathlib import Path

import pytest
from aiohttp import web

from downloader import __version__
from tests.support.command import Command, finished, shown_size
from tests.support.web_server import Site

PAGE = "<!DOCTYPE html><title>Übersicht</title><p>Grüße"


def lines(*addresses: str) -> str:
    return "".join(f"{address}\n" for address in addresses)


async def test_a_list_is_fetched_saved_measured_and_every_failure_named(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE, "/logo.png": b"\x89PNG" * 5}
    (command.folder / "sites.txt").write_text(
        "# two that work, three that fail\n\n"
        + lines(site.url("/"), site.url("/logo.png"), site.url("/gone"))
        + lines("no-such-host.invalid", "javascript:alert(1)")
    )
    ran = await command("sites.txt", "-o", "folder")
    assert ran.status == 1
    assert sorted(ran.out[:-1]) == [
        f"Downloaded folder/{site.folder}.html: {shown_size(PAGE)}",
        f"Downloaded folder/{site.folder}/logo.png: 20 B",
    ]
    size = len(PAGE.encode()) + 20
    assert re.fullmatch(
        r"5 URLs: 2 downloaded, 0 unchanged, 0 skipped, 3 failed "
        rf"\(1 bad-url, 1 dns, 1 http-status\); {size} B in \d+\.\d\d s",
        ran.out[-1],
    )
    assert sorted(ran.err) == [
        f"Failed {site.url('/gone')}: 404 Not Found (http-status)",
        "Failed https://no-such-host.invalid/: cannot resolve no-such-host.invalid (dns)",
        "Failed sites.txt:7: 'javascript:alert(1)': javascript: is not fetched, "
        "only http: and https: (bad-url)",
    ]
    assert (command.folder / "folder" / f"{site.folder}.html").read_text() == PAGE


async def test_all_done_exits_with_0_and_the_default_folder_is_used(
    site: Site, command: Command
) -> None:
    site.pages = {"/a/": PAGE}
    ran = await command(site.url("/a/"))
    assert (ran.status, ran.err) == (0, [])
    assert (command.folder / "downloaded_sites" / site.folder / "a" / "index.html").exists()


async def test_standard_input_is_a_list_that_is_fetched_while_it_still_grows(
    site: Site, command: Command
) -> None:
    site.pages = {"/1": PAGE, "/2": PAGE}
    process = await command.start("-")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines(site.url("/1"), site.url("/2")).encode())
    await process.stdin.drain()
    # The pipe stays open: the first line must come all the same.
    line = await asyncio.wait_for(process.stdout.readline(), timeout=20)
    assert b"/1.html: " in line
    assert (await finished(process)).status == 0


async def test_a_duplicate_is_fetched_once_and_reported_once(site: Site, command: Command) -> None:
    site.pages = {"/": PAGE}
    text = lines(site.url("/"), site.url("/#part"), f"http://127.0.0.1:{site.server.port}")
    ran = await command("-", stdin=text.encode())
    assert ran.status == 0
    assert len(site.requests) == 1
    assert [line for line in ran.out if line.startswith("Skipped")] == [
        f"Skipped {site.url('/')}: stdin:2 repeats stdin:1",
        f"Skipped {site.url('/')}: stdin:3 repeats stdin:1",
    ]


async def test_a_gzipped_sitemap_index_leads_to_the_pages_of_its_sitemaps(
    site: Site, command: Command
) -> None:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    inner = f"<urlset {space}><url><loc>{site.url('/p')}</loc></url></urlset>".encode()
    site.pages = {"/p": PAGE, "/inner.xml.gz": gzip.compress(inner)}
    index = (
        f"<sitemapindex {space}><sitemap><loc>{site.url('/inner.xml.gz')}</loc></sitemap>\n"
        f"<sitemap><loc>{site.url('/lost.xml')}</loc></sitemap></sitemapindex>"
    )
    (command.folder / "sitemap.xml.gz").write_bytes(gzip.compress(index.encode()))
    ran = await command("sitemap.xml.gz")
    assert ran.status == 1
    assert ran.out[0].endswith(f"{site.folder}/p.html: {shown_size(PAGE)}")
    assert ran.err == [f"Failed {site.url('/lost.xml')}: 404 Not Found (http-status)"]


@pytest.mark.slow(keep=4)
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.txt", None, "there is no list missing.txt"),
        ("empty.txt", b"", "empty.txt holds no URL"),
        ("comments.txt", b"# nothing\n\n", "comments.txt holds no URL"),
        ("binary.txt", b"\x7fELF\0\0\1", "binary.txt is binary data"),
        ("cut.txt.gz", gzip.compress(b"a.invalid\n" * 99, mtime=0)[:-9], "cut.txt.gz is cut off"),
        (
            "broken.gz",
            gzip.compress(b"x", mtime=0)[:10] + b"\xff" * 20,
            "broken.gz is corrupt gzip",
        ),
        ("sitemap.xml", b"<error>", "sitemap.xml is neither a sitemap nor a feed"),
        ("table.csv", b"address,name\nx,y\n", "table.csv has no column named url"),
    ],
)
async def test_a_list_that_cannot_be_read_is_one_clear_line_and_exit_status_2(
    command: Command, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (command.folder / name).write_bytes(content)
    ran = await command(name)
    assert ran.status == 2
    assert ran.err[-1].startswith(f"download: {said}")
    assert not any("Traceback" in line for line in ran.err)


async def test_a_folder_is_no_list(command: Command) -> None:
    (command.folder / "lists").mkdir()
    ran = await command("lists")
    assert (ran.status, ran.out) == (2, [])
    assert ran.err == ["download: lists is a folder, not a list; name a file inside it"]


async def test_what_a_cut_list_still_says_is_fetched_before_the_run_ends_with_2(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    text = lines(site.url("/")).encode() + b"#" * 300_000
    packed = gzip.compress(text, compresslevel=0)[:-9]
    (command.folder / "cut.gz").write_bytes(packed)
    ran = await command("cut.gz")
    assert ran.status == 2
    assert (command.folder / "downloaded_sites" / f"{site.folder}.html").exists()


async def test_an_output_path_that_is_a_file_is_refused_for_several_urls(
    site: Site, command: Command
) -> None:
    (command.folder / "file").write_text("mine")
    ran = await command(site.url(), site.url("/b"), "-o", "file")
    assert ran.status == 2
    assert ran.err == ["download: file is a file, not a folder; see --output"]
    assert (command.folder / "file").read_text() == "mine"


async def test_a_folder_that_cannot_be_made_is_refused(site: Site, command: Command) -> None:
    ran = await command(site.url(), "-o", "/proc/no/such")
    assert ran.status in (2, 3)
    assert ran.err[-1].startswith("download: cannot use the folder /proc/no/such: ")


async def test_no_source_is_a_usage_error_that_says_what_to_give(command: Command) -> None:
    ran = await command()
    assert ran.status == 2
    assert ran.err[-1] == "Error: name a SOURCE: a list file, - or a URL"


async def test_the_demonstration_needs_no_network_and_shows_one_failure(command: Command) -> None:
    ran = await command("--demo")
    assert ran.status == 1
    assert ran.out[-1].startswith(
        "7 URLs: 6 downloaded, 0 unchanged, 0 skipped, 1 failed (1 http-status); "
    )
    assert len(ran.err) == 1
    assert ran.err[0].endswith("/lost: 404 Not Found (http-status)")


async def test_quiet_prints_failures_only_and_verbose_adds_details(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    ran = await command("-q", site.url("/"), site.url("/gone"))
    assert (ran.out, len(ran.err)) == ([], 1)
    ran = await command("-v", "--force", site.url("/"))
    assert re.match(r"  200 from http://.*, 50 B received, utf-8 \(header\), ", ran.out[1])


async def test_escapes_in_addresses_never_reach_the_terminal(site: Site, command: Command) -> None:
    ran = await command("-", stdin=b"http://[\x1b]0;owned\x07/\nhttp://x\xc2\x9b2J.invalid/\n")
    assert ran.status == 1
    assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(ran.err + ran.out))


async def test_the_password_of_a_url_is_sent_and_never_printed(
    site: Site, command: Command
) -> None:
    ran = await command("-v", "--debug", site.url("/x").replace("//", "//user:hunter2@"))
    assert ran.status == 1
    assert site.requests[0].headers["Authorization"] == "Basic dXNlcjpodW50ZXIy"
    assert "hunter2" not in "\n".join(ran.out + ran.err)


async def test_options_come_from_a_config_file_and_from_the_environment(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    (command.folder / "my.toml").write_text(
        'user-agent = "from-file"\noutput = "there"\nkeep-columns = ["a", "b, c"]\n'
    )
    ran = await command("--config", "my.toml", site.url("/"))
    assert ran.status == 0
    assert site.requests[0].headers["User-Agent"] == "from-file"
    assert (command.folder / "there").is_dir()
    command.environment["DOWNLOAD_USER_AGENT"] = "from-environment"
    await command("--force", site.url("/"))
    assert site.requests[1].headers["User-Agent"] == "from-environment"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 3", "there is no option colour"),
        ("= 3", "is no TOML"),
        ('concurrency = "many"', "'many' is neither a whole number nor auto"),
        ("concurrency = [1, 2]", "concurrency takes a value"),
        ("domains = [1, 2]", "domains takes a text, or a list of them"),
        ('domains = ["a.test", "no host"]', "'no host' is not the name of a host"),
    ],
)
async def test_a_broken_config_file_is_a_usage_error(
    command: Command, text: str, said: str
) -> None:
    (command.folder / "my.toml").write_text(text)
    ran = await command("--config", "my.toml", "x.invalid")
    assert ran.status == 2
    assert said in ran.err[-1]


async def slow_page(request: web.Request) -> web.StreamResponse:
    """Send half of a body and then nothing, until the client goes."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"x" * 50)
    await asyncio.Event().wait()
    return response


async def test_the_first_interrupt_lets_transfers_finish_and_the_second_stops_at_once(
    site: Site, command: Command
) -> None:
    release = asyncio.Event()

    async def page(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text=PAGE)

    site.pages = {"/done": page, "/slow": slow_page}
    process = await command.start("-j", "2", site.url("/done"), site.url("/slow"), site.url("/3"))
    await site.asked(2)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    said = await process.stderr.readline()
    assert said.startswith(b"Stopping: 5 s for 2 running transfers to finish")
    release.set()
    assert process.stdout is not None
    assert b"Downloaded" in await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    ran = await finished(process)
    assert ran.status == 130
    assert ran.err == [
        f"Failed {site.url('/slow')}: stopped before it was done (interrupted); "
        "run the same command again to continue",
        "Stopped: 1 line was not tried",
    ]
    assert ran.out[0].startswith(
        "2 URLs: 1 downloaded, 0 unchanged, 0 skipped, 1 failed (1 interrupted); "
    )
    assert len(site.requests) == 2


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this platform has no SIGUSR1")
async def test_sigusr1_tells_what_is_in_flight(site: Site, command: Command) -> None:
    site.pages = {"/slow": slow_page}
    process = await command.start(site.url("/slow"))
    await site.asked()
    assert process.stderr is not None
    row = b""
    while b" 50 B" not in row:
        process.send_signal(signal.SIGUSR1)
        assert await process.stderr.readline() == b"1 URL in flight\n"
        row = await process.stderr.readline()
    assert row.strip().endswith(site.url("/slow").encode())
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    await finished(process)


async def test_a_reader_that_goes_away_ends_the_run_quietly(site: Site, command: Command) -> None:
    gone = asyncio.Event()

    async def later(_request: web.Request) -> web.Response:
        await gone.wait()
        return web.Response(text=PAGE)

    site.pages = {"/first": PAGE, "/later": later, "/never": slow_page}
    read, write = os.pipe()
    process = await command.start(*map(site.url, site.pages), stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        assert (await asyncio.to_thread(stream.readline)).startswith(b"Downloaded ")
    gone.set()
    ran = await finished(process)
    assert ran.status == 130
    assert [line.partition(": ")[0] for line in ran.err] == [f"Failed {site.url('/never')}"]


async def test_debug_shows_the_log_and_no_progress_changes_nothing_off_a_terminal(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    ran = await command("--debug", "--no-progress", site.url("/"))
    assert ran.status == 0
    assert any(line.startswith("asyncio: ") for line in ran.err)


def test_the_version_is_the_package_s() -> None:
    assert version("download-sites") == __version__


async def test_a_line_that_repeats_one_that_could_not_be_taken_is_fetched(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    text = f"{site.url('/')}\n  out=../evil\n{site.url('/')}\n"
    ran = await command("-", stdin=text.encode())
    assert ran.status == 1
    assert len(ran.err) == 1
    assert ran.out[0].startswith("Downloaded ")


async def test_a_named_pipe_is_a_list(site: Site, command: Command) -> None:
    site.pages = {"/": PAGE}
    pipe = command.folder / "pipe"
    os.mkfifo(pipe)
    process = await command.start("pipe")
    await asyncio.to_thread(pipe.write_text, lines(site.url("/")))
    assert (await finished(process)).status == 0


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ftp://x/y", "ftp://x/y is neither a list nor an http or https URL"),
        ("/no/list", "there is no list /no/list"),
    ],
)
async def test_a_source_that_is_neither_list_nor_address_gets_no_false_hint(
    command: Command, source: str, said: str
) -> None:
    ran = await command(source)
    assert (ran.status, ran.err) == (2, [f"download: {said}"])


@pytest.mark.parametrize(
    "setting",
    ["timeout = 0", "timeout = true", "read-timeout = nan", "version = true", "force = 1"],
)
async def test_a_setting_that_makes_no_sense_is_a_usage_error(
    command: Command, setting: str
) -> None:
    (command.folder / "my.toml").write_text(setting)
    ran = await command("--config", "my.toml", "x.invalid")
    assert ran.status == 2
    assert ran.err[-1].startswith("Error: ")


async def test_headers_come_from_a_variable_one_on_each_line(site: Site, command: Command) -> None:
    site.pages = {"/": PAGE}
    command.environment["DOWNLOAD_HEADER"] = "X-One: first value\nX-Two: 2"
    await command(site.url("/"))
    assert site.requests[0].headers["X-One"] == "first value"
    assert site.requests[0].headers["X-Two"] == "2"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
async def test_an_output_that_cannot_be_written_is_exit_status_3(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    full = os.open("/dev/full", os.O_WRONLY)
    process = await command.start(site.url("/"), stdout=full)
    os.close(full)
    ran = await finished(process)
    assert ran.status == 3
    assert ran.err == ["download: cannot write the output: No space left on device"]


async def test_an_output_in_another_encoding_escapes_what_it_cannot_say(
    site: Site, command: Command
) -> None:
    site.pages = {"/%C3%A9": PAGE}
    command.environment["PYTHONIOENCODING"] = "ascii"
    ran = await command(site.url("/%C3%A9"))
    assert ran.status == 0
    assert "/\\xe9.html: " in ran.out[0]


@pytest.mark.parametrize(
    "name", ["cookies", "save_cookies", "cacert", "output", "report", "warc", "lock"]
)
async def test_a_path_with_a_nul_in_a_config_file_is_a_usage_error(
    command: Command, name: str
) -> None:
    (command.folder / "my.toml").write_text(f'{name} = "a\\u0000.jsonl"')
    ran = await command("--config", "my.toml", "x.invalid")
    assert ran.status == 2
    assert ran.err[-1].endswith("a path cannot contain a NUL character")
