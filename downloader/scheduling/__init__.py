"""Per-host queues, adaptive concurrency and rate limits: which transfer starts when.

Nothing here does any I/O, and the clock is an argument.

- ``host_queues``: a queue for each host (``host_queue``); picks the next transfer.
- ``latency_limit``: how many requests at once a host with one connection answers quickly.
- ``auto_concurrency``: adapts the number of transfers that run at once.
- ``resizable_semaphore``: the semaphore of that size.
- ``rate_limit``: limits the bytes per second of all transfers together.
- ``fd_limit``: how many transfers the limit of open files allows.
"""

from downloader.scheduling.auto_concurrency import MAX_CONCURRENCY, AutoConcurrency
from downloader.scheduling.fd_limit import affordable_concurrency, check_open_file_limit
from downloader.scheduling.host_queue import HostState
from downloader.scheduling.host_queues import HostQueues
from downloader.scheduling.rate_limit import RateLimiter
from downloader.scheduling.resizable_semaphore import ResizableSemaphore

__all__ = [
    "MAX_CONCURRENCY",
    "AutoConcurrency",
    "HostQueues",
    "HostState",
    "RateLimiter",
    "ResizableSemaphore",
    "affordable_concurrency",
    "check_open_file_limit",
]
