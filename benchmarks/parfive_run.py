"""Fetch a list with parfive, which is a library: the smallest program that does it.

python parfive_run.py LIST FOLDER [AT_ONCE]
"""

import sys
from pathlib import Path

from parfive import Downloader


def main() -> int:
    """Return the number of failures, as far as an exit status can count."""
    urls, folder, *at_once = sys.argv[1:]
    downloader = Downloader(max_conn=int(at_once[0])) if at_once else Downloader()
    for url in Path(urls).read_text().split():
        downloader.enqueue_file(url, path=folder)
    return min(len(downloader.download().errors), 100)


if __name__ == "__main__":
    sys.exit(main())
