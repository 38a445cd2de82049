"""Several processes at one run: each has the transfers of its own hosts, and its own event loop.

``crew`` is what a batch sees, and routes transfers; ``child`` is its end of one process, ``worker``
the other end; ``frames`` is what they say to each other; ``roll`` tells what a process was at
when it died.
"""

from downloader.cluster.crew import Processes

__all__ = ["Processes"]
