"""Transfers over several processes, each with hosts and an event loop of its own.

- ``process_backend``: what a run uses; assigns hosts to supervisors and shares the limits.
- ``extension``: processes that join a run of one process; ``host_balancer`` moves hosts to them.
- ``worker_group``: what both do with all their processes.
- ``supervisor``: keeps one process running and retries what a crashed one was fetching.
- ``process``: starts a process and exchanges frames with it.
- ``worker``: what runs in that process: a pool.
- ``ipc``: the frames.
- ``in_flight_table``: which transfers a process was running when it crashed.
"""

from downloader.core.processes.extension import ProcessExtension
from downloader.core.processes.process import forked_ahead
from downloader.core.processes.process_backend import ProcessBackend

__all__ = ["ProcessBackend", "ProcessExtension", "forked_ahead"]
