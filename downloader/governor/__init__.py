"""Who may start now, how many at once, and how fast: pure decisions, by a clock that is given.

``hosts`` keeps a queue for each host and picks what starts next; ``adaptive`` finds how many
transfers at once are best; ``permits`` is the semaphore whose size that is; ``bandwidth`` holds
the total to a rate; ``descriptors`` knows what the system allows.
"""

from downloader.governor.adaptive import MOST_AT_ONCE, Adaptive
from downloader.governor.bandwidth import Bandwidth
from downloader.governor.descriptors import affordable
from downloader.governor.hosts import Hosts
from downloader.governor.permits import Permits

__all__ = ["MOST_AT_ONCE", "Adaptive", "Bandwidth", "Hosts", "Permits", "affordable"]
