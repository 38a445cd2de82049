"""The number of transfers that the system's limit of open files allows."""

import sys

from downloader.errors import RunError

if sys.platform != "win32":
    import resource

#: File descriptors of a run besides those of transfers: standard streams, journal, list, output
#: folder with the subfolders that are kept open, and the threads that save.
_RUN_DESCRIPTORS = 64
_MIN_RUN_DESCRIPTORS = 24
#: File descriptors of one transfer: its connection and its file.
_TRANSFER_DESCRIPTORS = 2
#: A run with fewer file descriptors could start, and then wait for one for ever.
_MIN_OPEN_FILES = 32


def check_open_file_limit() -> None:
    """Raise RunError if this process may not open the files that every run needs."""
    limit = open_file_limit()
    if limit is not None and limit < _MIN_OPEN_FILES:
        raise RunError(
            f"the limit of open files is {limit}, and a run needs {_MIN_OPEN_FILES} or more",
            hint="raise it, for instance with: ulimit -n 256",
        )


def affordable_concurrency(wanted: int) -> int:
    """Return how many transfers, *wanted* at most, the limit of open files allows at once.

    With more of them, connections could take all descriptors, and wait for one for their files.
    """
    limit = open_file_limit()
    if limit is None:
        return wanted
    reserved = min(_RUN_DESCRIPTORS, max(_MIN_RUN_DESCRIPTORS, limit // 8))
    return max(1, min(wanted, (limit - reserved) // _TRANSFER_DESCRIPTORS))


def open_file_limit() -> int | None:
    """Return the soft limit of open files of this process, or None if there is none."""
    if sys.platform == "win32":
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit
