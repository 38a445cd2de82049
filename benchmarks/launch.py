"""Run a command, and print what it took as JSON.

    python -I -S launch.py CAP LOG COMMAND...

A process of its own, because a child's peak memory begins at that of the process which starts it;
so this one imports little and stays near 9 MB, the least peak it can see. The command is stopped
after CAP seconds; its stdout is dropped and its stderr goes to the file LOG.
"""

import json
import os
import select
import signal
import sys
import time
from types import FrameType


def main() -> None:
    """Run the command and wait for it."""
    cap, log, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, stopped)
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
        _, status, usage = os.wait4(child, 0)
    taken = {
        "began": began,
        "seconds": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_memory": usage.ru_maxrss * 1024,
        "exit_status": os.waitstatus_to_exitcode(status),
        "capped": not ended,
    }
    print(json.dumps(taken))


def stopped(_number: int, _frame: FrameType | None) -> None:
    """Leave, and end the command on the way."""
    sys.exit(1)


if __name__ == "__main__":
    main()
