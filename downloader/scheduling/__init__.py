"""Who may start now, how many at once, and how fast: pure decisions, by a clock that is given.

``hosts`` keeps a queue for each host and picks what starts next; ``adaptive`` finds how many
transfers at once are best; ``permits`` is the semaphore whose size that is; ``bandwidth`` holds
the total to a rate; ``descriptors`` knows what the system allows.
"""

from downloader.scheduling.auto_concurrency import MOST_AT_ONCE, AutoConcurrency
from downloader.scheduling.fd_limit import affordable
from downloader.scheduling.host_queues import HostQueues
from downloader.scheduling.rate_limit import RateLimiter
from downloader.scheduling.resizable_semaphore import ResizableSemaphore

__all__ = [
    "MOST_AT_ONCE",
    "AutoConcurrency",
    "HostQueues",
    "RateLimiter",
    "ResizableSemaphore",
    "affordable",
]
