"""What a run leaves in an object store, through the real command and a real S3 server."""

import asyncio
import gzip
import hashlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from aiohttp import web

from tests.support.command import Command, CommandResult, finished
from tests.support.files import saved_files
from tests.support.object_store import ENVIRONMENT, Bucket, running_store
from tests.support.web_server import Site

_numbers = count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bucket]]:
    with running_store(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def bucket(store: Callable[[str], Bucket]) -> Bucket:
    """A fresh bucket."""
    return store(f"bucket-{next(_numbers)}")


@pytest.fixture
def cloud(command: Command, bucket: Bucket) -> Command:
    """The real command on a machine that knows the store."""
    command.environment |= {**ENVIRONMENT, "AWS_ENDPOINT_URL": bucket.server}
    command.environment["XDG_CACHE_HOME"] = str(command.folder / "cache")
    # No lines of progress when this machine is slow.
    command.environment["DOWNLOAD_NO_PROGRESS"] = "1"
    return command


def prefix(bucket: Bucket) -> str:
    return f"s3://{bucket.name}/some/prefix"


def below(bucket: Bucket) -> dict[str, bytes]:
    """Return what is below the prefix."""
    return {
        key.removeprefix("some/prefix/"): bucket.get(key)
        for key in bucket.names()
        if key.startswith("some/prefix/")
    }


def pages(site: Site, number: int) -> list[str]:
    """Give the site pages, and return their addresses."""
    for index in range(number):
        site.pages[f"/{index}"] = f"<p>page {index}"
    return [site.url(f"/{index}") for index in range(number)]


def forget(command: Command) -> None:
    """Make the machine another one, which has never seen the store."""
    shutil.rmtree(command.folder / "cache")


def lines(urls: list[str]) -> bytes:
    return "\n".join(urls).encode()


def verdicts(ran: CommandResult) -> list[str]:
    return sorted(line.split()[0] for line in ran.out[:-1])


async def test_bytes_and_names_are_those_of_a_folder(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    site.pages["/"] = "<p>grüß"
    site.pages["/a/b c?d=é"] = "<p>query"
    site.pages["/data"] = b"\0" * 5_000_000
    site.pages["/empty"] = b""
    urls = [site.url(path) for path in ("/", "/a/b%20c?d=%C3%A9", "/data", "/empty")]
    for path in ("/a/b%20c?d=%C3%A9",):
        site.pages[path] = site.pages["/a/b c?d=é"]
    local = await cloud("-o", "folder", "-", stdin=lines(urls))
    remote = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert local.status == remote.status == 0, remote.err
    folder = cloud.folder / "folder"
    assert below(bucket) == {name: (folder / name).read_bytes() for name in saved_files(folder)}
    assert sorted(line.replace(prefix(bucket), "folder") for line in remote.out[:-1]) == sorted(
        local.out[:-1]
    )


async def test_an_object_takes_one_request(site: Site, cloud: Command, bucket: Bucket) -> None:
    urls = pages(site, 20)
    assert (await cloud("-o", prefix(bucket), "-", stdin=lines(urls))).status == 0
    asked = [one for one in bucket.requests() if ".download" not in one[1]]
    puts = [key for how, key in asked if how == "PUT"]
    assert len(puts) == len(set(puts)) == 20
    # Whether the prefix is empty is asked once.
    assert len(asked) <= 20 + 1


async def test_what_is_done_is_skipped_here_and_on_another_machine(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    urls = pages(site, 10)
    await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    site.requests.clear()
    again = await cloud("-o", prefix(bucket) + "/", "-", stdin=lines(urls))
    assert verdicts(again) == ["Skipped"] * 10
    forget(cloud)
    elsewhere = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert verdicts(elsewhere) == ["Skipped"] * 10
    assert elsewhere.status == 0
    assert site.requests == []


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_only_what_is_missing_or_of_another_size_is_fetched(
    site: Site, cloud: Command, bucket: Bucket, elsewhere: bool
) -> None:
    urls = [*pages(site, 6), site.url()]
    site.pages["/"] = "<p>home"
    await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    before = below(bucket)
    bucket.delete(f"some/prefix/{site.folder}/2.html")
    bucket.delete(f"some/prefix/{site.folder}.html")
    bucket.put(f"some/prefix/{site.folder}/4.html", b"longer than it was before")
    site.requests.clear()
    if elsewhere:
        forget(cloud)
    again = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert sorted(request.path for request in site.requests) == ["/", "/2", "/4"]
    assert verdicts(again) == ["Downloaded"] * 3 + ["Skipped"] * 4
    after = below(bucket)
    assert after.pop(f"{site.folder}/4.html.~1~") == b"longer than it was before"
    assert after == before


@pytest.mark.slow
async def test_refresh_asks_for_what_has_changed(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    bodies = {"/same": b"as it was", "/other": b"before"}

    async def answer(request: web.Request) -> web.StreamResponse:
        body = bodies[request.path]
        tag = hashlib.sha256(body).hexdigest()
        if request.headers.get("If-None-Match") == f'"{tag}"':
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": f'"{tag}"'})

    site.pages |= dict.fromkeys(bodies, answer)
    urls = [site.url(path) for path in bodies]
    await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    bodies["/other"] = b"after"
    forget(cloud)
    again = await cloud("-o", prefix(bucket), "--refresh", "-", stdin=lines(urls))
    assert verdicts(again) == ["Downloaded", "Unchanged"]
    # What is replaced is ours, so nothing is kept of it.
    assert sorted(below(bucket).values()) == [b"after", b"as it was"]


@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_after_a_kill_the_same_command_converges(
    site: Site, cloud: Command, bucket: Bucket, elsewhere: bool
) -> None:
    urls = pages(site, 40)
    held = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await held.wait()
        return web.Response(text=f"<p>page {request.path[1:]}", content_type="text/html")

    plain = {path: site.pages[path] for path in site.pages}
    site.pages |= dict.fromkeys([f"/{index}" for index in range(30, 40)], slow)
    process = await cloud.start("-o", prefix(bucket), "-")
    assert process.stdin is not None
    process.stdin.write(lines(urls))
    process.stdin.write_eof()
    await site.asked(34)
    process.kill()
    await process.wait()
    held.set()
    killed = below(bucket)
    assert set(killed) < {f"{site.folder}/{index}.html" for index in range(40)}
    if elsewhere:
        forget(cloud)
    site.requests.clear()
    again = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert again.status == 0, again.err
    assert below(bucket) == {
        f"{site.folder}{path}.html": str(text).encode() for path, text in plain.items()
    }
    if not elsewhere:
        # Those that were there, or were just being told of, are not fetched again.
        assert len(site.requests) <= 40 - len(killed)


@pytest.mark.slow
async def test_a_large_body_that_was_cut_is_parked_and_continued(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    body = bytes(range(256)) * 20_000
    cut = True

    async def large(request: web.Request) -> web.StreamResponse:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        head = {"ETag": '"one"', "Content-Length": str(len(body) - start)}
        if start:
            head["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        response = web.StreamResponse(status=206 if start else 200, headers=head)
        await response.prepare(request)
        if cut:
            await response.write(body[:3_000_000])
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(body[start:])
        return response

    site.pages["/large.bin"] = large
    first = await cloud("-o", prefix(bucket), "--retries", "0", site.url("/large.bin"))
    assert first.status == 1
    assert "(truncated)" in first.err[-1]
    assert below(bucket) == {}
    (part,) = (cloud.folder / "cache").rglob("*.part")
    assert part.stat().st_size > 1_000_000
    cut = False
    second = await cloud("-o", prefix(bucket), site.url("/large.bin"))
    assert second.status == 0, second.err
    assert "resumed at" in second.out[0]
    assert below(bucket) == {f"{site.folder}/large.bin": body}
    assert not part.exists()


@pytest.mark.slow
async def test_a_broken_body_never_becomes_an_object(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"not a hundred")
        assert request.transport is not None
        request.transport.close()
        return response

    async def coded(_: web.Request) -> web.StreamResponse:
        return web.Response(
            body=gzip.compress(b"x" * 5000)[:-9], headers={"Content-Encoding": "gzip"}
        )

    site.pages |= {"/short": short, "/coded": coded, "/promised": b"another"}
    promise = f"{site.url('/promised')}\n  checksum=sha-256={'0' * 64}"
    urls = [site.url("/short"), site.url("/coded"), promise]
    ran = await cloud("-o", prefix(bucket), "--retries", "0", "-", stdin=lines(urls))
    assert ran.status == 1
    assert ran.out[-1].startswith("3 URLs: 0 downloaded")
    assert below(bucket) == {}


@pytest.mark.slow
async def test_what_is_not_ours_is_kept(site: Site, cloud: Command, bucket: Bucket) -> None:
    urls = pages(site, 3)
    site.pages["/large"] = large = b"large" * 1_000_000
    name = f"some/prefix/{site.folder}"
    bucket.put(f"{name}/0.html", b"another's")
    bucket.put(f"{name}/0.html.~1~", b"another's, older")
    bucket.put(f"{name}/1.html", b"<p>page 1")
    bucket.put(f"{name}/large.bin", b"another's")
    bucket.put("some/prefix-of-another/0.html", b"not below it")
    ran = await cloud("-o", prefix(bucket), "-", stdin=lines([*urls, site.url("/large")]))
    assert ran.status == 0
    assert any("the existing file is now 0.html.~2~" in line for line in ran.out)
    assert below(bucket) == {
        f"{site.folder}/0.html": b"<p>page 0",
        f"{site.folder}/0.html.~1~": b"another's, older",
        f"{site.folder}/0.html.~2~": b"another's",
        f"{site.folder}/1.html": b"<p>page 1",
        f"{site.folder}/2.html": b"<p>page 2",
        f"{site.folder}/large.bin": large,
        f"{site.folder}/large.bin.~1~": b"another's",
    }


@pytest.mark.slow
async def test_several_processes_share_one_prefix(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    urls = pages(site, 30)
    urls = [url.replace("127.0.0.1", "localhost") if n % 2 else url for n, url in enumerate(urls)]
    ran = await cloud("--processes", "2", "-o", prefix(bucket), "-", stdin=lines(urls))
    assert ran.status == 0, ran.err
    assert sorted(below(bucket).values()) == sorted(f"<p>page {n}".encode() for n in range(30))
    forget(cloud)
    again = await cloud("--processes", "2", "-o", prefix(bucket), "-", stdin=lines(urls))
    assert verdicts(again) == ["Skipped"] * 30


@pytest.mark.slow
async def test_what_is_stopped_is_known_on_another_machine(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    held = asyncio.Event()

    async def never(_: web.Request) -> web.StreamResponse:
        await held.wait()
        return web.Response()

    urls = [*pages(site, 5), site.url("/never")]
    site.pages["/never"] = never
    process = await cloud.start("-v", "-o", prefix(bucket), "--per-host", "1", "-")
    assert process.stdin is not None
    process.stdin.write(lines(urls))
    process.stdin.write_eof()
    await site.asked(6)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    ran = await finished(process)
    held.set()
    assert ran.status == 130
    forget(cloud)
    site.pages["/never"] = "<p>at last"
    site.requests.clear()
    again = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert [request.path for request in site.requests] == ["/never"]
    assert verdicts(again) == ["Downloaded"] + ["Skipped"] * 5


@pytest.mark.slow
async def test_a_store_that_hangs_does_not_hold_up_who_wants_to_stop_now(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        os.kill(bucket.process, signal.SIGSTOP)
        return web.Response(text="<p>nobody takes it")

    site.pages["/"] = page
    process = await cloud.start("-o", prefix(bucket), site.url())
    try:
        await site.asked(1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert b"Stopping" in await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        ran = await finished(process)
    finally:
        os.kill(bucket.process, signal.SIGCONT)
    assert "Traceback" not in "\n".join(ran.err)
    assert any("(interrupted)" in line for line in ran.err)
    assert ran.status != 0


@pytest.mark.slow
@pytest.mark.timing_sensitive(
    reason="the first run must notice the second before its own page has been saved"
)
async def test_a_second_machine_ends_the_run_of_the_first(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    held = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await held.wait()
        return web.Response(text="<p>slow", content_type="text/html")

    urls = pages(site, 2)
    site.pages["/slow"] = slow
    first = await cloud.start("-o", prefix(bucket), site.url("/slow"))
    await site.asked(1)
    cloud.environment["XDG_CACHE_HOME"] = str(cloud.folder / "second")
    second = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert second.status == 0, second.err
    held.set()
    ran = await finished(first)
    assert ran.status == 2
    # It may notice before its page has come, which then has been stopped.
    assert ran.err[-1] == (
        f"download: another run is writing to {prefix(bucket)}; "
        "let it finish, then run this one again"
    )
    # What the second one has noted is not lost.
    site.requests.clear()
    again = await cloud("-o", prefix(bucket), "-", stdin=lines([*urls, site.url("/slow")]))
    assert [request.path for request in site.requests] == ["/slow"]
    assert again.status == 0
    assert len(below(bucket)) == 3


@pytest.mark.slow
async def test_a_second_run_on_this_machine_is_refused(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    held = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await held.wait()
        return web.Response(text="<p>slow")

    site.pages["/slow"] = slow
    first = await cloud.start("-o", prefix(bucket), site.url("/slow"))
    await site.asked(1)
    second = await cloud("-o", prefix(bucket), site.url("/slow"))
    held.set()
    assert second.status == 2
    assert "another run is using" in second.err[0]
    assert (await finished(first)).status == 0


@pytest.mark.slow
@pytest.mark.parametrize("broken", [b"SQLite format 3\0" + b"\xff" * 5000, b"", b"no journal"])
async def test_a_journal_that_is_broken_in_the_store_is_said_to_be(
    site: Site, cloud: Command, bucket: Bucket, broken: bytes
) -> None:
    urls = pages(site, 3)
    await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    bucket.put("some/prefix/.download/journal.sqlite3", broken)
    forget(cloud)
    again = await cloud("-o", prefix(bucket), "-", stdin=lines(urls))
    assert again.status == 0
    assert "is broken" in again.err[0]
    assert set(below(bucket)) == {f"{site.folder}/{n}.html" for n in range(3)}
    forget(cloud)
    assert verdicts(await cloud("-o", prefix(bucket), "-", stdin=lines(urls))) == ["Skipped"] * 3


@pytest.mark.slow
async def test_the_copy_is_a_sound_journal(site: Site, cloud: Command, bucket: Bucket) -> None:
    await cloud("-o", prefix(bucket), "-", stdin=lines(pages(site, 3)))
    copy = cloud.folder / "copy.sqlite3"
    copy.write_bytes(bucket.get("some/prefix/.download/journal.sqlite3"))
    db = sqlite3.connect(copy)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("SELECT count(*) FROM urls WHERE state = 1").fetchall() == [(3,)]
    db.close()


@pytest.mark.slow
async def test_a_store_that_fails_ends_the_run(site: Site, cloud: Command, bucket: Bucket) -> None:
    async def last(_: web.Request) -> web.StreamResponse:
        bucket.delete("some/prefix/.download/journal.sqlite3")
        bucket.delete()
        return web.Response(text="<p>nowhere to go")

    site.pages["/last"] = last
    ran = await cloud("-o", prefix(bucket), site.url("/last"))
    assert ran.status == 3
    assert "The specified bucket does not exist" in ran.err[-1]
    assert "Traceback" not in "\n".join(ran.err)


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("s3://no-such-bucket-at-all/x", "does not exist; create the bucket first"),
        ("s3://", "names no bucket"),
        ("gs://bucket/x", "Please install gcsfs"),
        ("nope://bucket/x", "Protocol not known: nope"),
        (
            "https://user:secret@example.org/x",
            "cannot save files in https://user:***@example.org/x",
        ),
        ("simplecache::s3://bucket/x", "cannot save files in simplecache:"),
        ("file://host/x", "a local URL has three slashes"),
        ("memory://x", "memory ends with the program"),
    ],
)
async def test_what_cannot_be_saved_in_is_refused(cloud: Command, output: str, said: str) -> None:
    ran = await cloud("-o", output, "http://127.0.0.1:1/")
    assert ran.status == 2
    assert said in ran.err[-1]
    assert ran.out == []


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("name", ["a/../b", "a/./b", "/x//y", "a//b"])
async def test_a_prefix_that_is_not_taken_to_the_letter_everywhere_is_refused(
    site: Site, cloud: Command, bucket: Bucket, name: str
) -> None:
    site.pages["/"] = "page"
    ran = await cloud(site.url(), "-o", f"s3://{bucket.name}/{name}")
    assert ran.status == 2
    assert "has an empty segment, or a segment that is . or .." in ran.err[0]
    assert not bucket.names()


@pytest.mark.slow
async def test_a_scheme_has_no_case(site: Site, cloud: Command, bucket: Bucket) -> None:
    site.pages["/"] = "page"
    for scheme, verdict in (("S3", "Downloaded"), ("s3", "Skipped")):
        ran = await cloud(site.url(), "-o", f"{scheme}://{bucket.name}/some/prefix")
        assert verdicts(ran) == [verdict], ran.err


@pytest.mark.slow
async def test_a_key_longer_than_stores_take_fails_alone(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    long, large = (f"/{part * 150}/" + "/".join([part * 150] * 5) for part in "ab")
    site.pages |= {long: "page", large: b"0" * 2_000_000, "/short": "page"}
    urls = [site.url(path) for path in (long, large, "/short")]
    where = f"s3://{bucket.name}/{'p' * 150}"
    for verdict in ("Downloaded", "Skipped"):
        ran = await cloud("-", "-o", where, stdin=lines(urls))
        assert ran.status == 1
        assert verdicts(ran) == [verdict]
        assert sum("bytes, and 1024 is the limit" in line for line in ran.err) == 2


@pytest.mark.parametrize("package", ["s3fs", "fsspec"])
async def test_a_missing_package_is_named(cloud: Command, package: str) -> None:
    missing = cloud.folder / "missing"
    missing.mkdir()
    (missing / f"{package}.py").write_text(f"raise ImportError('no {package}')")
    cloud.environment["PYTHONPATH"] = str(missing)
    ran = await cloud("-o", "s3://bucket/x", "http://127.0.0.1:1/")
    assert ran.status == 2
    assert len(ran.err) == 1
    assert "pip install 'download-sites[cloud]'" in ran.err[0]


async def test_an_endpoint_that_is_not_there_is_named(cloud: Command) -> None:
    cloud.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    ran = await cloud("-o", "s3://bucket/x", "http://127.0.0.1:1/")
    assert ran.status == 2
    assert len(ran.err) == 1
    assert "s3://bucket/x" in ran.err[0]
    assert "check AWS_ENDPOINT_URL" in ran.err[0]


@pytest.mark.slow
async def test_missing_credentials_are_named(cloud: Command) -> None:
    del cloud.environment["AWS_ACCESS_KEY_ID"], cloud.environment["AWS_SECRET_ACCESS_KEY"]
    ran = await cloud("-o", "s3://bucket/x", "http://127.0.0.1:1/")
    assert ran.status == 2
    assert "Unable to locate credentials; set its credentials" in ran.err[0]


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("option", ["-m", "-r", "--single-file", "--level=2"])
async def test_a_mirror_needs_a_folder(cloud: Command, option: str) -> None:
    ran = await cloud(option, "-o", "s3://bucket/x", "http://127.0.0.1:1/")
    assert ran.status == 2
    assert "needs a folder" in ran.err[-1]


async def test_a_local_url_is_a_folder(site: Site, cloud: Command) -> None:
    site.pages["/"] = "<p>home"
    folder = cloud.folder / "with space"
    ran = await cloud("-o", folder.as_uri(), site.url())
    assert ran.status == 0
    assert saved_files(folder) == {f"{site.folder}.html"}


async def test_nothing_is_asked_when_nothing_is_saved(site: Site, cloud: Command) -> None:
    site.pages["/"] = "<p>home"
    ran = await cloud("--no-save", "-o", "s3://bucket/x", site.url())
    assert ran.status == 0
    assert not (cloud.folder / "cache").exists()


@pytest.mark.slow
async def test_reports_name_keys_below_the_prefix(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    site.pages["/"] = "<p>home"
    ran = await cloud(
        *("--report", "run.jsonl", "--report", "run.html"), "-o", prefix(bucket), site.url()
    )
    assert ran.status == 0, ran.err
    assert f'"path": "{site.folder}.html"' in (cloud.folder / "run.jsonl").read_text().replace(
        '":"', '": "'
    )


# --- packs ----------------------------------------------------------------------------------------


def contents(cloud: Command, folder: str) -> dict[str, bytes]:
    root = cloud.folder / folder
    return {name: (root / name).read_bytes() for name in saved_files(root)}


def packed(bucket: Bucket) -> dict[str, bytes]:
    return {name: data for name, data in below(bucket).items() if name.startswith("pack-")}


async def unpacked(cloud: Command, bucket: Bucket, folder: str) -> dict[str, bytes]:
    """Return what the volumes of the prefix unpack to."""
    names = []
    for name, data in packed(bucket).items():
        (cloud.folder / name).write_bytes(data)
        if name.endswith(".warc.gz"):
            names.append(name)
    ran = await cloud(*names, "-o", folder)
    assert ran.status == 0, ran.err
    return contents(cloud, folder)


@pytest.mark.slow
async def test_packs_stand_in_the_store_with_what_files_would_hold(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    urls = pages(site, 30)
    ran = await cloud("-o", prefix(bucket), "--pack", "warc", "-", stdin=lines(urls))
    assert (ran.status, ran.err) == (0, [])
    volumes = [name for name in packed(bucket) if name.endswith(".warc.gz")]
    assert len(volumes) == 1
    assert ran.out[-1] == f"Archived in {prefix(bucket)}/{volumes[0]}"
    assert all(line.startswith(f"Downloaded {prefix(bucket)}/pack-") for line in ran.out[:-2])
    await cloud("-o", "files", "-", stdin=lines(urls))
    assert await unpacked(cloud, bucket, "unpacked") == contents(cloud, "files")
    # Nothing of them is left here, and nothing else is there.
    assert not list((cloud.folder / "cache").rglob("pack-*"))
    assert set(below(bucket)) == set(packed(bucket))


@pytest.mark.slow
async def test_what_is_packed_in_the_store_is_skipped_and_what_was_removed_there_comes_again(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    urls = pages(site, 20)
    pack = ("-o", prefix(bucket), "--pack", "warc", "-")
    await cloud(*pack, stdin=lines(urls[:10]))
    (first,) = (name for name in packed(bucket) if name.endswith(".warc.gz"))
    await cloud(*pack, stdin=lines(urls))
    forget(cloud)
    site.requests.clear()
    again = await cloud(*pack, stdin=lines(urls))
    assert (again.status, site.requests) == (0, [])
    bucket.delete(f"some/prefix/{first}")
    again = await cloud(*pack, stdin=lines(urls))
    assert (again.status, len(site.requests)) == (0, 10)


@pytest.mark.slow
async def test_a_killed_pack_goes_on_and_every_body_is_there(
    site: Site, cloud: Command, bucket: Bucket
) -> None:
    urls = pages(site, 300)
    pack = ("-o", prefix(bucket), "--pack", "warc", "--warc-max-size", "20k", "-")
    process = await cloud.start(*pack)
    assert process.stdin is not None
    process.stdin.write(lines(urls))
    process.stdin.write_eof()
    await site.asked(150)
    process.kill()
    await process.wait()
    again = await cloud(*pack, stdin=lines(urls))
    assert again.status == 0, again.err
    await cloud("-o", "files", "-", stdin=lines(urls))
    assert await unpacked(cloud, bucket, "unpacked") == contents(cloud, "files")
    assert not list((cloud.folder / "cache").rglob("pack-*"))
