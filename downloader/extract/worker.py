"""The process that extracts pages: it reads tasks from standard input, and writes what it found.

It is started by :mod:`downloader.core.extraction_process`.
"""

import os
import pickle
import sys
from contextlib import suppress
from typing import BinaryIO

from downloader.extract.protocol import ExtractionFailure, PageContent, PageTask

#: The event loop goes first, because it waits for others.
_NICENESS = 5


def main() -> None:
    """Extract pages until standard input ends."""
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICENESS)
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not get between the results.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(EOFError, BrokenPipeError):
        serve(sys.stdin.buffer, results)


def serve(tasks: BinaryIO, results: BinaryIO) -> None:
    """Extract pages until *tasks* ends, which raises EOFError."""
    while True:
        task = pickle.load(tasks)  # noqa: S301 - from the parent
        pickle.dump(_extract(task), results, pickle.HIGHEST_PROTOCOL)
        results.flush()


def _extract(task: PageTask) -> PageContent | ExtractionFailure:
    # Imported with the first page, so that the process starts at once.
    from downloader.extract.page_content import extract_page

    try:
        return extract_page(task)
    except Exception as error:
        return ExtractionFailure(f"the extractor failed: {type(error).__name__}")
    except MemoryError:
        return ExtractionFailure("there is not enough memory for it")
