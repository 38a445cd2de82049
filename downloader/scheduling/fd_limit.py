"""How many transfers the process can afford under the system's limit of open files."""

import sys

if sys.platform != "win32":
    import resource

#: Descriptors that a run needs besides those of its transfers: standard streams, journal, list,
#: output folder and the folders below it that are kept open, and those of the threads that save.
_OWN_DESCRIPTORS = 64
_LEAST_OWN = 24
#: Descriptors of one transfer: its connection, and its file.
_DESCRIPTORS_EACH = 2


def affordable(wanted: int) -> int:
    """Return how many transfers may run at once under this process's limit of open files.

    With more of them all descriptors could be those of connections, each of which waits for one
    for its file.
    """
    most = open_files()
    if most is None:
        return wanted
    own = min(_OWN_DESCRIPTORS, max(_LEAST_OWN, most // 8))
    return max(1, min(wanted, (most - own) // _DESCRIPTORS_EACH))


def open_files() -> int | None:
    """Return the limit of open files, or None where there is none or it is of another kind."""
    if sys.platform == "win32":
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if most == resource.RLIM_INFINITY else most
