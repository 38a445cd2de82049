"""The number of requests at once that a host answers as quickly as before.

This is the gradient limit of Netflix's concurrency-limits ("Gradient2"), with a slow start as in
TCP. Requests beyond what a host can do at once wait there: they bring no more throughput, but a
higher latency. That holds too if it is this machine that has no more to give.
"""

import math

#: Growth in each round until latency rises for the first time.
_SLOW_START_FACTOR = 3.0
#: A mean latency that is higher than the lowest one by this factor, and by this many seconds, is
#: too high: networks and busy machines vary by less.
_TOLERANCE = 2.0
_TOLERATED_SECONDS = 0.02
#: The largest cut in one round.
_MIN_GRADIENT = 0.5
#: At the lowest limit, a higher latency is not our doing: by this share of the difference, each
#: round makes it the new normal.
_DRIFT = 0.2


class LatencyLimit:
    """Finds the limit of one host.

    Args:
        initial: the limit at the start; latency never lowers it below that.

    Attributes:
        limit: how many requests at once are right.
    """

    __slots__ = (
        "_count",
        "_initial",
        "_lowest",
        "_most_running",
        "_seconds",
        "_slow_start",
        "limit",
    )

    def __init__(self, initial: float) -> None:
        self.limit = self._initial = initial
        self._slow_start = True
        self._lowest = math.inf
        # The responses of this round, the sum of their latencies, and the most that ran at once.
        self._count = self._most_running = 0
        self._seconds = 0.0

    def record(self, seconds: float, running: int, maximum: int) -> None:
        """Take the latency of one response; adapt the limit after each round of them.

        Args:
            seconds: from the request to the head of its response.
            running: how many requests run now, this one included.
            maximum: the limit does not exceed it.
        """
        self._count += 1
        self._seconds += seconds
        self._most_running = max(self._most_running, running)
        if self._count < self.limit:
            return
        mean = self._seconds / self._count
        most_running = self._most_running
        self._count, self._seconds, self._most_running = 0, 0.0, 0
        if mean < self._lowest:
            self._lowest = mean
        elif self.limit <= self._initial:
            self._lowest += _DRIFT * (mean - self._lowest)
        tolerated = self._lowest * _TOLERANCE + _TOLERATED_SECONDS
        if mean > tolerated:
            self._slow_start = False
            self.limit *= max(_MIN_GRADIENT, tolerated / mean)
        elif 2 * most_running > self.limit:
            # Fewer requests do not show what the host can do.
            self.limit = (
                self.limit * _SLOW_START_FACTOR
                if self._slow_start
                else self.limit + math.sqrt(self.limit)
            )
        self.limit = min(max(self.limit, self._initial), float(maximum))
