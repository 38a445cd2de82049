"""Fetch a list with the library parfive, by the smallest program that uses it.

python parfive_run.py LIST FOLDER [CONCURRENCY]
"""

import sys
from pathlib import Path

from parfive import Downloader


def main() -> int:
    """Fetch the list; return the number of failures, at most 100, as the exit status."""
    urls, folder, *concurrency = sys.argv[1:]
    downloader = Downloader(max_conn=int(concurrency[0])) if concurrency else Downloader()
    for url in Path(urls).read_text().split():
        downloader.enqueue_file(url, path=folder)
    return min(len(downloader.download().errors), 100)


if __name__ == "__main__":
    sys.exit(main())
