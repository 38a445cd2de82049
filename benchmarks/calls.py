"""Count the functions that `download` enters for each URL: a cost that no other process changes.

    python -m benchmarks.calls [--urls 3000] [--no-save] [--details]

Runs the command, in this process and with a profiler in every thread, on pages of one host; prints
the calls of Python and C functions for each URL, by thread and by module. A call of a C function
counts for the module that makes it. Exits with 1 if they are more than the maximum.
"""

import argparse
import asyncio
import cProfile
import io
import multiprocessing
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType
from unittest.mock import patch

from benchmarks.pages import MEDIAN_BYTES, html_page

#: The most calls for each URL; lower them with what they count. Batches depend on the time that
#: everything takes, so that two runs differ by one or two percent, and on a busy
#: machine by five.
MAX_CALLS_SAVED = 515
MAX_CALLS_NOT_SAVED = 435
#: Pages of an earlier run, which has imported everything and filled all caches.
WARM_UP_PAGES = 64
#: Smaller rows are left out.
MIN_CALLS_SHOWN = 0.5
#: Packages of several modules, which are shown as one.
PACKAGES = ("aiohttp", "asyncio", "yarl")
HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    b"Content-Type: text/html\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
    b'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nETag: "65920080-61a8"\r\n'
    b"Accept-Ranges: bytes\r\n\r\n"
)

#: Calls by thread, and by module and function.
Calls = Counter[tuple[str, str, str]]


def main() -> int:
    """Print the calls, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--urls", type=int, default=3000, help="pages to fetch [3000]")
    parser.add_argument("--no-save", action="store_true", help="measure without saving")
    parser.add_argument("--details", action="store_true", help="print every function")
    arguments = parser.parse_args()
    calls = count_calls(arguments.urls, ["--no-save"] if arguments.no_save else [])
    for line in table(calls, arguments.urls, details=arguments.details):
        print(line)
    total = calls.total() / arguments.urls
    maximum = MAX_CALLS_NOT_SAVED if arguments.no_save else MAX_CALLS_SAVED
    print(f"{total:8.1f} calls for each URL, of at most {maximum}")
    return int(total > maximum)


def count_calls(urls: int, options: Sequence[str]) -> Calls:
    """Run the command on a list of so many *urls*; return the calls of all threads."""
    calls: Calls = Counter()
    with pages_of_one_host() as origin, tempfile.TemporaryDirectory() as name:
        run_command(origin, WARM_UP_PAGES, Path(name) / "warm-up", options)
        with profiled_threads(calls):
            run_command(origin, urls, Path(name) / "measured", options)
    return calls


def run_command(origin: str, urls: int, folder: Path, options: Sequence[str]) -> None:
    """Run `download` in this process."""
    from downloader.cli.download_command import command

    folder.mkdir()
    url_list = folder / "list.txt"
    url_list.write_text("".join(f"{origin}/part/page-{number:06}.html\n" for number in range(urls)))
    output = io.StringIO()
    with redirect_stdout(output), suppress(SystemExit):
        command.main([str(url_list), *("-o", str(folder / "out")), *options])
    if f"{urls} URLs: {urls} " not in output.getvalue():
        raise RuntimeError(f"the run failed: {output.getvalue()[-500:]}")


@contextmanager
def profiled_threads(calls: Calls) -> Iterator[None]:
    """Add the calls that this thread, and all that it starts, make in this context."""
    run = threading.Thread.run
    profiles = [("event loop", cProfile.Profile())]

    def profiled_run(thread: threading.Thread) -> None:
        profile = cProfile.Profile()
        profiles.append((thread.name.rpartition("_")[0] or thread.name, profile))
        profile.runcall(run, thread)

    with patch.object(threading.Thread, "run", profiled_run):
        profiles[0][1].enable()
        try:
            yield
        finally:
            profiles[0][1].disable()
    for thread, profile in profiles:
        add_calls(calls, thread, profile)


def add_calls(calls: Calls, thread: str, profile: cProfile.Profile) -> None:
    """Add the calls of one thread."""
    # Not from pstats, which takes the __init__ of all dataclasses for one function.
    for entry in profile.getstats():
        if isinstance(entry.code, str):
            calls[thread, "C", entry.code] += entry.callcount
            continue
        code = entry.code
        calls[thread, module_of(code), f"{code.co_qualname}:{code.co_firstlineno}"] += (
            entry.callcount
        )
        for called in entry.calls or ():
            if isinstance(called.code, str):
                name = f"{code.co_qualname} > {called.code.strip('<>')}"
                calls[thread, module_of(code), name] += called.callcount
                calls[thread, "C", called.code] -= called.callcount


def module_of(code: CodeType) -> str:
    """Return a short name: the path of a module without what all modules share."""
    path = Path(code.co_filename)
    if "downloader" in path.parts:
        return "/".join(path.parts[path.parts.index("downloader") :]).removesuffix(".py")
    return path.parent.name if path.parent.name in PACKAGES else path.stem


def table(calls: Calls, urls: int, *, details: bool) -> Iterator[str]:
    """Yield the lines of the table: threads, and the modules of each, the most calls first."""
    threads: Counter[str] = Counter()
    modules: Counter[tuple[str, str]] = Counter()
    for (thread, module, _), count in calls.items():
        threads[thread] += count
        modules[thread, module] += count
    for thread, total in threads.most_common():
        yield f"{total / urls:8.1f} {thread}"
        for (owner, module), count in modules.most_common():
            if owner != thread or count < MIN_CALLS_SHOWN * urls:
                continue
            yield f"{count / urls:8.1f}   {module}"
            for key, each in calls.most_common() if details else ():
                if key[:2] == (owner, module) and each >= MIN_CALLS_SHOWN * urls:
                    yield f"{each / urls:8.1f}     {key[2]}"


@contextmanager
def pages_of_one_host() -> Iterator[str]:
    """Serve one page under every path, in another process; yield the origin.

    Head and body arrive at once, so that a page is always read with the same number of calls.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


class PageProtocol(asyncio.Protocol):
    """Answers each request with the page."""

    body = html_page("calls", MEDIAN_BYTES)
    page = HEAD % len(body) + body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection."""
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.write(self.page * len(requests))


def serve(parent: Connection) -> None:
    """Serve until the process is ended; send the port to the parent."""

    async def serve_pages() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(PageProtocol, "127.0.0.1", 0)
        parent.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve_pages())


if __name__ == "__main__":
    sys.exit(main())
