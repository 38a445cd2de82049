"""How many cores this process may use, and whether it needs more than it gets."""

import math
import os
import time
from contextlib import suppress
from pathlib import Path

#: Where Linux has the CPU quota of a container: in cgroups of version 2, and of version 1.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_QUOTA_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_PERIOD_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
#: Times of the main thread on Linux, in nanoseconds: it ran, and it waited for a core.
_SCHEDULED = Path("/proc/self/schedstat")
_NANOSECONDS = 1e9


def usable_cores() -> int:
    """Return how many cores this process may use, within the quota of its container."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def needed_cpu_seconds() -> float:
    """Return the CPU time of this process, and the time that its main thread waited for a core.

    On a busy machine, a process may need a core all the time, and get half of one.
    """
    waited = 0.0
    with suppress(OSError, IndexError, ValueError):
        waited = int(_SCHEDULED.read_bytes().split()[1]) / _NANOSECONDS
    return time.process_time() + waited


def _quota() -> float | None:
    """Return how many cores' time the container may use; None without a limit."""
    # Where there is no limit, the quota is "max", which is no number, or negative.
    with suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text().split()
        return int(quota) / int(period)
    with suppress(OSError, ValueError):
        share = int(_QUOTA_V1.read_text()) / int(_PERIOD_V1.read_text())
        return share if share > 0 else None
    return None
