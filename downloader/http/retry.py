"""Decide whether a failed attempt is retried, and after how long: backoff and Retry-After."""

import random

from downloader.errors import HttpStatusError, NotHttpError, UrlError
from downloader.web.text import parse_http_date

#: The first delay of the backoff, and the longest.
FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 1.0, 60.0
#: A host that asks for a longer wait gets no more requests in this run.
MAX_RETRY_AFTER_SECONDS = 120.0
#: Digits of seconds that are read: thirty years.
_MAX_DIGITS = 9


def seconds_to_retry(error: UrlError, attempt: int, retries: int) -> float | None:
    """Return the seconds to wait after *attempt* (from 1) failed; None if the failure is final.

    A wait that the server asks for replaces the backoff. What was not HTTP is tried once more,
    because a server that is just being started may send it.
    """
    if isinstance(error, NotHttpError) and attempt == 1 and retries:
        return backoff(attempt)
    if not error.retryable or attempt > retries:
        return None
    pause = error.pause[1] if isinstance(error, HttpStatusError) and error.pause else 0.0
    return pause if pause > 0 else backoff(attempt)


def backoff(attempt: int, jitter: float | None = None) -> float:
    """Return the seconds to wait after failed *attempt* (from 1): exponential, with full jitter.

    Full jitter spreads clients that failed together over the whole interval, so that they do not
    return together. *jitter*, from 0 to 1, replaces the random number in tests.
    """
    ceiling = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 16))
    return ceiling * (random.random() if jitter is None else jitter)  # noqa: S311 - no secret


def retry_after(field: str, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` field asks for (RFC 9110, section 10.2.3).

    The field holds seconds or an HTTP date; for anything else the result is None. *now* is seconds
    since the epoch. Whether the wait is longer than :data:`MAX_RETRY_AFTER_SECONDS` is not checked.
    """
    text = field.strip()
    if text.isascii() and text.isdigit():
        return float(text[:_MAX_DIGITS])
    date = parse_http_date(text)
    return None if date is None else max(0.0, date.timestamp() - now)
