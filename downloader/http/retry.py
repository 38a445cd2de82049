"""Pure: how long to wait before a request is made again."""

import random

from downloader.web.text import parse_http_date

#: The first delay, and the longest that backoff reaches, in seconds.
FIRST, LONGEST = 1.0, 60.0
#: The longest wait that a server may ask for, in seconds.
LONGEST_ASKED = 120.0


def backoff(attempt: int, chance: float | None = None) -> float:
    """Return seconds to wait after the failed *attempt* (from 1): exponential, with full jitter.

    *chance* (0 to 1) stands in for the random number. Full jitter spreads clients that failed
    together over the whole interval, so that they do not come back together.
    """
    ceiling = min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 16))
    return ceiling * (random.random() if chance is None else chance)  # noqa: S311 - no secret


def retry_after(field: str, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` field asks for (RFC 9110, section 10.2.3).

    The field holds seconds or an HTTP date; *now* is seconds since the epoch. More than
    :data:`LONGEST_ASKED` is cut to that; what is neither gives None.
    """
    text = field.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_ASKED)
    date = parse_http_date(text)
    return None if date is None else max(0.0, min(date.timestamp() - now, LONGEST_ASKED))
