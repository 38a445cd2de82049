"""Run a command, and print its time, CPU and peak memory as JSON.

    python -I -S launch.py CAP LOG COMMAND...

This is a process of its own, because the peak memory of a child process starts at that of its
parent. It imports little and stays near 9 MB, which is the lowest peak that it can measure. The
command is stopped after CAP seconds. Its stdout is dropped, and its stderr goes to the file LOG.
"""

import json
import os
import select
import signal
import sys
import time
from types import FrameType


def main() -> None:
    """Run the command, wait for it, and print the result."""
    cap, log, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, exit_on_signal)
    began, start = time.time(), time.perf_counter()
    child = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
        setpgroup=0,
    )
    ended = False
    try:
        poll = select.poll()
        poll.register(os.pidfd_open(child), select.POLLIN)
        ended = bool(poll.poll(float(cap) * 1000))
    finally:
        if not ended:
            os.killpg(child, signal.SIGKILL)
        _, status, resources = os.wait4(child, 0)
    usage = {
        "began": began,
        "seconds": time.perf_counter() - start,
        "cpu": resources.ru_utime + resources.ru_stime,
        "peak_memory": resources.ru_maxrss * 1024,
        "exit_status": os.waitstatus_to_exitcode(status),
        "capped": not ended,
    }
    print(json.dumps(usage))


def exit_on_signal(_number: int, _frame: FrameType | None) -> None:
    """Exit, which also stops the command."""
    sys.exit(1)


if __name__ == "__main__":
    main()
