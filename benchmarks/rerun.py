"""Measure a second run over a list that is done, and the cost of the journal for each URL.

    python -m benchmarks.rerun [--urls 100000]

Creates an output folder as a first run would have left it, with every URL of a list done, and runs
the installed command on it. No server is needed, because nothing is requested.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from downloader.journal import Job, Journal
from downloader.models import Downloaded, Sizes, Target
from downloader.web.urls import parse

BODY = b"<!DOCTYPE html><title>done</title>"
URLS_PER_BATCH = 256


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--urls", type=int, default=100_000)
    count: int = parser.parse_args().urls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        urls = [f"http://host-{n % 500}.invalid/part/page-{n}.html" for n in range(count)]
        (folder / "sites.txt").write_text("\n".join(urls))
        seconds = make_done(folder / "out", urls)
        print(f"journal: {seconds / count * 1e6:.1f} µs of CPU per URL to admit and record")
        size = sum(file.stat().st_size for file in (folder / "out/.download").iterdir())
        print(f"journal: {size / count:.0f} bytes per URL")
        command = shutil.which("download", path=str(Path(sys.executable).parent)) or "download"
        for _ in range(3):
            began = time.perf_counter()
            process = subprocess.run(
                [command, folder / "sites.txt", "-o", folder / "out"],
                capture_output=True,
                text=True,
                check=True,
            )
            seconds = time.perf_counter() - began
            print(f"second run over {count} done URLs: {seconds:.2f} s as a whole process")
            print(process.stdout.splitlines()[-1])


def make_done(output: Path, urls: list[str]) -> float:
    """Fill *output* as a finished run does; return the seconds of CPU that the journal took."""
    output.mkdir()
    journal = Journal(output)
    sha256 = hashlib.sha256(BODY).hexdigest()
    journal_cpu = 0.0
    for start in range(0, len(urls), URLS_PER_BATCH):
        targets = [Target(url=parse(url)) for url in urls[start : start + URLS_PER_BATCH]]
        began = time.process_time()
        jobs = [job for job in journal.admit(targets) if isinstance(job, Job)]
        journal_cpu += time.process_time() - began
        outcomes = [(job, downloaded(job, sha256)) for job in jobs]
        for _, outcome in outcomes:
            file = output / outcome.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(BODY)
        began = time.process_time()
        journal.record(outcomes)
        journal_cpu += time.process_time() - began
    journal.close()
    return journal_cpu


def downloaded(job: Job, sha256: str) -> Downloaded:
    """Return the outcome that a first run records for *job*."""
    return Downloaded(
        index=job.target.index,
        origin=job.target.origin,
        url=job.target.shown,
        path=job.name.path("text/html"),
        final_url=job.target.url,
        redirects=(),
        status=200,
        http_version="1.1",
        media_type="text/html",
        content_coding="",
        sizes=Sizes(len(BODY), len(BODY), len(BODY), "utf-8"),
        length_verified=True,
        etag='"benchmark"',
        last_modified="",
        sha256=sha256,
        attempts=1,
        resumed_at=0,
        set_aside="",
        started=time.time(),
        seconds=0.1,
    )


if __name__ == "__main__":
    main()
