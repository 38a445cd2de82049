"""How many transfers at once are best: found by trying, because nobody can know it beforehand.

It begins moderately and grows with every transfer that ends while permits are short, which doubles
it in each round trip, as TCP's slow start does. A round in which more transfers at once brought
no more work done, or more failures, ends that: it goes back to what was enough, and tries a
little more only now and then. A process that is busy all the time gains nothing by more, either.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

#: What a run begins with.
FIRST = 64
#: More is never tried, however well it goes.
MOST_AT_ONCE = 1024
LEAST = 4
#: A round is at least so long, and has so many transfers in it: fewer tell nothing.
_ROUND_SECONDS = 0.1
_ROUND_ENDS = 24
#: The end of a transfer counts as so many bytes, because an answer is work whatever its size.
_BYTES_OF_AN_END = 16 * 1024
#: So much of the growth of the limit must come back as growth of the work done.
_WORTH = 0.2
#: So many rounds without gain end the search for more.
_PATIENCE = 2
#: So much larger a share of failures as before is too much.
_MORE_FAILURES = 0.1
#: So much of its time at work is all that one thread has.
_BUSY = 0.92
#: In a settled run, so many rounds pass until more is tried again, and so much more is tried.
_PROBE_ROUNDS = 20
_PROBE = 1.25


@dataclass(frozen=True, slots=True)
class _Round:
    """What a round showed.

    Attributes:
        limit: how many transfers at once were allowed when it ended.
        rate: work done, in bytes per second.
        failures: the share of ends that were failures which fewer at once might have avoided.
    """

    limit: int
    rate: float
    failures: float


class AutoConcurrency:
    """Finds :attr:`limit`, by what it is told of each transfer that ends.

    Args:
        most: it never grows beyond that.
        clock: seconds.
        received: bytes of all bodies so far.
        fixed: whether it stays at *most*.
        busy: seconds that this thread has worked.

    Attributes:
        limit: how many transfers may run at once now.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float],
        received: Callable[[], int],
        *,
        fixed: bool = False,
        busy: Callable[[], float] = time.thread_time,
    ) -> None:
        self.limit = most if fixed else min(FIRST, most)
        self._most = most
        self._clock = clock
        self._busy = busy
        self._received = received
        self._fixed = fixed
        self._searching = True
        self._settled_rounds = 0
        self._useless = 0
        self._best: _Round | None = None
        self._begin()

    def ended(self, *, short: bool, strained: bool) -> None:
        """Take in the end of one transfer.

        Args:
            short: whether another transfer waits for a permit.
            strained: whether it failed as things do that are overloaded: timeouts, connections
                that break.
        """
        if self._fixed:
            return
        self._ends += 1
        self._short += short
        self._failures += strained
        if self._ends >= max(_ROUND_ENDS, self.limit // 4):
            seconds = self._clock() - self._began
            if seconds >= _ROUND_SECONDS:
                self._round(seconds)
                self._begin()
        if self._searching and short and self.limit < min(self._most, 2 * self._limit_before):
            self.limit += 1

    def _begin(self) -> None:
        self._began, self._busy_before = self._clock(), self._busy()
        self._received_before, self._limit_before = self._received(), self.limit
        self._ends = self._short = self._failures = 0

    def _round(self, seconds: float) -> None:
        """Draw the conclusions of a round."""
        if self._short * 2 < self._ends:
            # Something else holds the run back: hosts, or the list. Nothing is to be learnt.
            return
        received = self._received() - self._received_before
        rate = (received + self._ends * _BYTES_OF_AN_END) / seconds
        now = _Round(self.limit, rate, self._failures / self._ends)
        best = self._best
        if best is None:
            self._best = now
        elif now.limit > best.limit and now.failures > (
            best.failures + self._chance(best.failures) + _MORE_FAILURES
        ):
            self._go_back(best)
        elif not self._searching:
            self._probe(now, best)
        elif self._busy() - self._busy_before >= _BUSY * seconds:
            self._go_back(now if now.rate > best.rate * (1 + _WORTH) else best)
        else:
            self._search(now, best)

    def _chance(self, share: float) -> float:
        """Return by how much a share may differ in this round by chance: two deviations."""
        return 2 * math.sqrt(share * (1 - share) / self._ends)

    def _search(self, now: _Round, best: _Round) -> None:
        grown, gained = now.limit / best.limit - 1, now.rate / best.rate - 1
        if gained >= _WORTH * grown:
            self._best, self._useless = now, 0
            return
        self._useless += 1
        if self._useless >= _PATIENCE:
            self._go_back(best)

    def _probe(self, now: _Round, best: _Round) -> None:
        """In a settled run, try more now and then; keep it if it is worth it."""
        if now.limit > best.limit:
            gained = now.rate >= best.rate * (1 + _WORTH * (now.limit / best.limit - 1))
            self._best = now if gained else best
            self.limit = self._best.limit
            self._settled_rounds = 0 if not gained else _PROBE_ROUNDS
            return
        # What was measured long ago may not hold any more.
        self._best = _Round(now.limit, (best.rate + now.rate) / 2, now.failures)
        self._settled_rounds += 1
        if self._settled_rounds >= _PROBE_ROUNDS:
            self._settled_rounds = 0
            self.limit = min(self._most, int(self.limit * _PROBE) + 1)

    def _go_back(self, best: _Round) -> None:
        """Settle on what was enough."""
        self._searching, self._best = False, best
        self._settled_rounds = 0
        self.limit = max(LEAST, best.limit)
