"""Whether a process needs all the CPU time that a single one can use."""

import time
from collections import deque
from collections.abc import Callable

from downloader.core.cores import needed_cpu_seconds

#: The time over which the CPU time is measured.
_WINDOW_SECONDS = 0.5
#: A process that needs this share of a core is saturated. The rest is lost when its threads take
#: turns: only one of them runs Python at a time.
_SATURATED_SHARE = 0.8


class SaturationMonitor:
    """Compares the CPU time that this process needs with the time that passes.

    Args:
        clock: seconds.
        cpu_seconds: CPU time that it has needed so far.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu_seconds: Callable[[], float] = needed_cpu_seconds,
    ) -> None:
        self._clock = clock
        self._cpu_seconds = cpu_seconds
        #: Samples of both, the last one of before the window included.
        self._samples: deque[tuple[float, float]] = deque([(clock(), cpu_seconds())])

    def is_saturated(self) -> bool:
        """Return whether the process has been saturated for a while; call it several times in one.

        After a True it takes as long again until the next one.
        """
        now, used = self._clock(), self._cpu_seconds()
        self._samples.append((now, used))
        while self._samples[1][0] <= now - _WINDOW_SECONDS:
            self._samples.popleft()
        then, used_then = self._samples[0]
        if now - then < _WINDOW_SECONDS or used - used_then < _SATURATED_SHARE * (now - then):
            return False
        self._samples.clear()
        self._samples.append((now, used))
        return True
