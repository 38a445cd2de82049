"""Adapt the number of transfers that run at once to what the network and the hosts allow.

The search begins moderately and grows with every transfer that ends while permits are short, which
doubles the limit in each round trip, as in TCP's slow start. It ends with a round in which more
transfers at once brought no more throughput, or more failures: the limit goes back to the last
one that paid off, and a little more is tried only now and then. A process whose CPU is always busy
gains nothing from more transfers, either.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

#: The limit at the start, and its bounds.
INITIAL_CONCURRENCY = 64
MAX_CONCURRENCY = 1024
MIN_CONCURRENCY = 4
#: A round has at least this length and this many transfers: fewer say too little.
_MIN_ROUND_SECONDS = 0.1
_MIN_ROUND_TRANSFERS = 24
#: Each transfer counts as this many bytes, because a response is work whatever its size.
_BYTES_PER_TRANSFER = 16 * 1024
#: The share of the limit's growth that has to come back as growth of throughput.
_MIN_GAIN = 0.2
#: Rounds without gain that end the search.
_MAX_ROUNDS_WITHOUT_GAIN = 2
#: A larger increase of the share of failures is too much.
_MAX_FAILURE_INCREASE = 0.1
#: A thread that works for a larger share of the time has no CPU left.
_BUSY_SHARE = 0.92
#: In a settled run: rounds until a higher limit is tried, and its factor.
_ROUNDS_BETWEEN_PROBES = 20
_PROBE_FACTOR = 1.25


@dataclass(frozen=True, slots=True)
class _Round:
    """The result of a round.

    Attributes:
        limit: the limit at its end.
        throughput: bytes per second, with :data:`_BYTES_PER_TRANSFER` for each transfer.
        failures: the share of transfers with failures that a lower limit might have avoided.
    """

    limit: int
    throughput: float
    failures: float


class AutoConcurrency:
    """Adapts :attr:`limit` to the transfers that end.

    Args:
        maximum: the limit never exceeds it.
        clock: seconds.
        received: bytes of all bodies so far.
        fixed: whether the limit stays at *maximum*.
        cpu_seconds: CPU time of this thread.

    Attributes:
        limit: how many transfers may run at once now.
    """

    def __init__(
        self,
        maximum: int,
        clock: Callable[[], float],
        received: Callable[[], int],
        *,
        fixed: bool = False,
        cpu_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        self.limit = maximum if fixed else min(INITIAL_CONCURRENCY, maximum)
        self._maximum = maximum
        self._clock = clock
        self._cpu_seconds = cpu_seconds
        self._received = received
        self._fixed = fixed
        self._searching = True
        self._rounds_since_probe = 0
        self._rounds_without_gain = 0
        self._best: _Round | None = None
        self._start_round()

    def transfer_ended(self, *, permits_short: bool, overload: bool) -> None:
        """Count the end of one transfer.

        Args:
            permits_short: whether another transfer waits for a permit.
            overload: whether it failed in a way that overload causes, such as by a timeout or a
                broken connection, and whether or not it is retried.
        """
        if self._fixed:
            return
        self._ended += 1
        self._ended_short += permits_short
        self._failures += overload
        if self._ended >= max(_MIN_ROUND_TRANSFERS, self.limit // 4):
            seconds = self._clock() - self._round_started
            if seconds >= _MIN_ROUND_SECONDS:
                self._finish_round(seconds)
                self._start_round()
        if (
            self._searching
            and permits_short
            and self.limit < min(self._maximum, 2 * self._limit_before)
        ):
            self.limit += 1

    def _start_round(self) -> None:
        self._round_started, self._cpu_before = self._clock(), self._cpu_seconds()
        self._received_before, self._limit_before = self._received(), self.limit
        self._ended = self._ended_short = self._failures = 0

    def _finish_round(self, seconds: float) -> None:
        """Adapt the limit to the result of a round."""
        if self._ended_short * 2 < self._ended:
            # Hosts or the list hold the run back, not the limit: the round says nothing about it.
            return
        received = self._received() - self._received_before
        throughput = (received + self._ended * _BYTES_PER_TRANSFER) / seconds
        now = _Round(self.limit, throughput, self._failures / self._ended)
        best = self._best
        if best is None:
            self._best = now
        elif now.limit > best.limit and now.failures > (
            best.failures + self._random_deviation(best.failures) + _MAX_FAILURE_INCREASE
        ):
            self._settle(best)
        elif not self._searching:
            self._probe(now, best)
        elif self._cpu_seconds() - self._cpu_before >= _BUSY_SHARE * seconds:
            gained = now.throughput > best.throughput * (1 + _MIN_GAIN)
            self._settle(now if gained else best)
        else:
            self._search(now, best)

    def _random_deviation(self, share: float) -> float:
        """Return two standard deviations of a *share* of the transfers of this round."""
        return 2 * math.sqrt(share * (1 - share) / self._ended)

    def _search(self, now: _Round, best: _Round) -> None:
        growth = now.limit / best.limit - 1
        if now.throughput / best.throughput - 1 >= _MIN_GAIN * growth:
            self._best, self._rounds_without_gain = now, 0
            return
        self._rounds_without_gain += 1
        if self._rounds_without_gain >= _MAX_ROUNDS_WITHOUT_GAIN:
            self._settle(best)

    def _probe(self, now: _Round, best: _Round) -> None:
        """In a settled run, try a higher limit now and then; keep it if it pays off."""
        if now.limit > best.limit:
            growth = now.limit / best.limit - 1
            gained = now.throughput >= best.throughput * (1 + _MIN_GAIN * growth)
            self._best = now if gained else best
            self.limit = self._best.limit
            self._rounds_since_probe = _ROUNDS_BETWEEN_PROBES if gained else 0
            return
        # Conditions change: an old measurement counts half.
        self._best = _Round(now.limit, (best.throughput + now.throughput) / 2, now.failures)
        self._rounds_since_probe += 1
        if self._rounds_since_probe >= _ROUNDS_BETWEEN_PROBES:
            self._rounds_since_probe = 0
            self.limit = min(self._maximum, int(self.limit * _PROBE_FACTOR) + 1)

    def _settle(self, best: _Round) -> None:
        """End the search at the limit of *best*."""
        self._searching, self._best = False, best
        self._rounds_since_probe = 0
        self.limit = max(MIN_CONCURRENCY, best.limit)
