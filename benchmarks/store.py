"""Compare the CPU of saving a page in an object store with that of saving it in a folder.

    python -m benchmarks.store [--pages 2000] [--rounds 3]

Runs the installed command on pages of 25 kB that nginx serves, with a folder and with the S3 server
of moto as the output. That server is slow, so only the CPU of the command is measured, and the
number of its requests to the store. A run of a few pages is subtracted, as the cost of the start.
"""

import argparse
import itertools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.nginx import pages_server
from tests.support.object_store import ENVIRONMENT, running_store

BODY = b"<!DOCTYPE html><title>page</title>" + bytes(range(32, 127)) * 263
HOST = "127.20.0.1"
FEW_PAGES = 100
_folders = itertools.count()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the workers of nginx run as another user
        (folder / "bodies").mkdir()
        (folder / "bodies/fixed.html").write_bytes(BODY)
        with (
            pages_server(folder, [HOST], workers=1) as server,
            running_store(folder) as bucket_named,
        ):
            bucket = bucket_named("bench")
            os.environ |= {**ENVIRONMENT, "AWS_ENDPOINT_URL": bucket.server}
            os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
            for kind, output in (("folder", str(folder)), ("store", f"s3://{bucket.name}")):
                requests = len(bucket.requests())
                costs = [
                    cost(folder, output, server.port, arguments.pages)
                    for _ in range(arguments.rounds)
                ]
                requests = len(bucket.requests()) - requests
                pages = arguments.rounds * (arguments.pages + 2 * FEW_PAGES)
                print(
                    f"{kind}: {statistics.median(costs) * 1e6:.0f} µs of CPU per page "
                    f"({', '.join(f'{each * 1e6:.0f}' for each in sorted(costs))}); "
                    f"{requests / pages:.3f} requests to the store per page"
                )


def cost(folder: Path, output: str, port: int, pages: int) -> float:
    """Return the seconds of CPU for each page, without the first few."""
    return (
        cpu_of_run(folder, output, port, FEW_PAGES + pages)
        - cpu_of_run(folder, output, port, FEW_PAGES)
    ) / pages


def cpu_of_run(folder: Path, output: str, port: int, pages: int) -> float:
    """Return the seconds of CPU of the command for this many pages."""
    sites = folder / "sites.txt"
    sites.write_text(
        "\n".join(f"http://{HOST}:{port}/page-{n:06}-fixed.html" for n in range(pages))
    )
    command = shutil.which("download", path=str(Path(sys.executable).parent)) or "download"
    new_output = f"{output}/out-{next(_folders)}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([command, "-q", "--per-host", "32", "-o", new_output, sites], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
