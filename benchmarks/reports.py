"""Measure the CPU of reports for each URL, their sizes, and how soon the HTML page can be used.

    python -m benchmarks.reports [--rows 10 1000 50000] [--keep FOLDER]

The outcomes are generated from a fixed seed. The CPU is that of this process alone, so that other
load on the machine has little effect. If Chromium and Playwright are installed, the page is also
opened, and the time until its table can be used is printed.
"""

import argparse
import hashlib
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.http.timings import CURRENT, Stopwatch
from downloader.models import Downloaded, Failed, Outcome, Sizes, Timings
from downloader.models.outcome_conversion import record_of
from downloader.report.formats import FORMATS
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.web.charset import CharsetSource
from downloader.web.filenames import SafePath

TYPES = (
    ("text/html", "html", 40_000),
    ("text/css", "css", 20_000),
    ("text/javascript", "js", 90_000),
    ("image/png", "png", 60_000),
    ("font/woff2", "woff2", 30_000),
)
TIMES_OPENED = 5


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 1000, 50_000])
    parser.add_argument("--keep", type=Path, help="write the reports to this folder and keep them")
    arguments = parser.parse_args()
    print(f"timings of a request: {stopwatch_cpu():.1f} µs of CPU")
    with tempfile.TemporaryDirectory() as name:
        folder: Path = arguments.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for rows in arguments.rows:
            measure(folder, rows)


def measure(folder: Path, rows: int) -> None:
    """Write each report for this many URLs, and print what it took."""
    run_outcomes = list(outcomes(rows))
    began = time.process_time()
    records = [record_of(outcome) for outcome in run_outcomes]
    print(f"\n{rows:,} URLs: {(time.process_time() - began) / rows * 1e6:.0f} µs for each record")
    totals = ReportTotals()
    for record in records:
        totals.add(record)
    for ending, report_format in FORMATS.items():
        file = folder / f"{rows}{ending}"
        began = time.process_time()
        report = report_format.create(file)
        for record in records:
            report.add(record)
        added = time.process_time()
        report.finish(RunRecord("2026-11-25T12:00:00.000Z", 60.0, 0, True, totals, folder / "out"))
        each, end = (added - began) / rows * 1e6, time.process_time() - added
        print(
            f"  {ending}: {file.stat().st_size:,} bytes, "
            f"{each:.0f} µs for each URL, {end:.2f} s at the end"
        )
    if seconds := opening_times(folder / f"{rows}.html"):
        median, slowest = statistics.median(seconds), max(seconds)
        print(f"  opening it: {median:.2f} s, median of {len(seconds)}; {slowest:.2f} s at most")


def outcomes(rows: int) -> Iterator[Outcome]:
    """Yield outcomes like those of a run over several sites; one in thirty has failed."""
    rng = random.Random(1)
    for number in range(rows):
        media_type, extension, median_bytes = TYPES[number % len(TYPES)]
        host = int(rng.paretovariate(1.2)) % 60
        url = (
            f"https://www.site{host}.example/part/{rng.randrange(10**6)}/page-{number}.{extension}"
        )
        started, seconds = 1795608000 + number * 60 / rows, rng.lognormvariate(-1.5, 0.7)
        if number % 30 == 29:
            yield Failed(
                index=number,
                origin=f"sites.txt:{number + 1}",
                url=url,
                kind=ErrorKind.HTTP_STATUS,
                message="404 Not Found",
                status=404,
                attempts=1,
                started=started,
                seconds=seconds,
            )
            continue
        size = int(median_bytes * rng.lognormvariate(0, 1))
        text = media_type.startswith("text")
        yield Downloaded(
            index=number,
            origin=f"sites.txt:{number + 1}",
            url=url,
            path=SafePath(url.removeprefix("https://")),
            final_url=url,
            redirects=(),
            status=200,
            http_version="1.1",
            media_type=media_type,
            content_coding="gzip" if text else "",
            sizes=Sizes(
                size // 4 if text else size,
                size,
                *((size, "utf-8", CharsetSource.HEADER) if text else ()),
            ),
            length_verified=True,
            etag=f'"{number:x}"',
            last_modified="Tue, 24 Nov 2026 12:00:00 GMT",
            sha256=hashlib.sha256(str(number // 2).encode()).hexdigest(),
            attempts=1,
            resumed_at=0,
            set_aside="",
            started=started,
            seconds=seconds,
            header_bytes=300,
            timings=Timings(None, None, None, seconds / 2, seconds / 3),
        )


def stopwatch_cpu(times: int = 100_000) -> float:
    """Return the microseconds of CPU that it takes to measure the phases of a request."""
    began = time.process_time()
    for _ in range(times):
        watch = Stopwatch()
        CURRENT.set(watch)
        watch.responded = time.monotonic()
        watch.timings(encrypted=False)
    return (time.process_time() - began) / times * 1e6


def opening_times(file: Path) -> list[float]:
    """Return the seconds until the page can be used, each time in a new tab."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if chromium is None:
        return []
    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(TIMES_OPENED):
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(file.absolute().as_uri(), wait_until="commit")
            page.wait_for_selector("html[data-ready]", state="attached")
            seconds.append(time.perf_counter() - began)
            page.close()
        browser.close()
    return seconds


if __name__ == "__main__":
    main()
