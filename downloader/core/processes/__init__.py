"""Several processes at one run: each has the transfers of its own hosts, and its own event loop.

``crew`` is what a batch sees, and deals hosts out; ``member`` keeps a process at work for some of
them; ``child`` is the parent's end of one process, ``worker`` the other end; ``frames`` is what
they say to each other; ``roll`` tells what a process was at when it died.
"""

from downloader.core.processes.process import forked_ahead
from downloader.core.processes.process_backend import ProcessBackend

__all__ = ["ProcessBackend", "forked_ahead"]
