"""How long to wait before another attempt."""

import math
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import ErrorKind, Failed, Options
from downloader.errors import ConnectError, HttpStatusError, NotHttpError, UrlError
from downloader.http.retry import (
    FIRST_DELAY_SECONDS,
    MAX_DELAY_SECONDS,
    backoff,
    retry_after,
    seconds_to_retry,
)
from downloader.scheduling import AutoConcurrency
from downloader.web.text import parse_http_date
from tests.support.library import fetch

#: A server that stalls costs this much in each attempt.
THREE_TIMES = Options(retries=2, connect_timeout=0.2, read_timeout=0.2)


NOW = 1_000_000_000.0


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [(socket.EAI_NONAME, 1), (socket.EAI_FAIL, 1), (socket.EAI_AGAIN, 3)],
    ids=["no such name", "failed for good", "for the moment"],
)
async def test_a_name_that_is_not_there_is_not_asked_for_again_but_a_silent_name_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int, attempts: int
) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: Any, **__: Any) -> None:
        asked.append(host)
        raise socket.gaierror(answer, "as the resolver says it")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (outcome,) = await fetch(["http://name.invalid/"], tmp_path, THREE_TIMES)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.DNS, attempts)
    assert asked == ["name.invalid"] * attempts


@pytest.mark.parametrize(
    ("answer", "retries", "overloads"),
    [
        (socket.EAI_AGAIN, 2, [True, True, True]),
        (socket.EAI_AGAIN, 0, [True]),
        (socket.EAI_NONAME, 2, [False]),
    ],
    ids=["retried", "not retried", "permanent"],
)
async def test_a_transient_failure_lowers_the_concurrency_whether_or_not_it_is_retried(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: int,
    retries: int,
    overloads: list[bool],
) -> None:
    counted: list[bool] = []

    def resolve(*_: Any, **__: Any) -> None:
        raise socket.gaierror(answer, "as the resolver says it")

    def count(_: AutoConcurrency, *, permits_short: bool, overload: bool) -> None:
        counted.append(overload)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(AutoConcurrency, "transfer_ended", count)
    await fetch(["http://name.invalid/"], tmp_path, Options(retries=retries))
    assert counted == overloads


@given(attempt=st.integers(1, 10**6), chance=st.floats(0, 1))
def test_the_wait_is_somewhere_below_a_ceiling_that_doubles_up_to_a_minute(
    attempt: int, chance: float
) -> None:
    ceiling = backoff(attempt, 1.0)
    assert ceiling == min(FIRST_DELAY_SECONDS * 2 ** min(attempt - 1, 100), MAX_DELAY_SECONDS)
    assert 0 <= backoff(attempt, chance) <= ceiling
    assert backoff(attempt, chance) == pytest.approx(ceiling * chance)
    assert 0 <= backoff(attempt) <= ceiling
    assert backoff(attempt, 0.0) == 0.0


@pytest.mark.parametrize(
    ("error", "attempt", "most"),
    [
        (ConnectError("refused"), 1, FIRST_DELAY_SECONDS),
        (ConnectError("refused"), 4, None),
        (HttpStatusError(503, "", pause=("a.test", 30.0)), 1, 30.0),
        (HttpStatusError(503, "", pause=("a.test", 0.0)), 1, FIRST_DELAY_SECONDS),
        (HttpStatusError(503, "", pause=("a.test", 900.0), pause_too_long=True), 1, None),
        (HttpStatusError(404, "", pause=("a.test", 30.0)), 1, None),
        (NotHttpError("not HTTP"), 1, FIRST_DELAY_SECONDS),
        (NotHttpError("not HTTP"), 2, None),
    ],
)
def test_a_failed_attempt_is_retried_after_the_wait_that_the_server_asks_for_or_the_backoff(
    error: UrlError, attempt: int, most: float | None
) -> None:
    seconds = seconds_to_retry(error, attempt, retries=3)
    if most is None or most > FIRST_DELAY_SECONDS:
        assert seconds == most
    else:
        assert seconds is not None
        assert 0 <= seconds <= most


@pytest.mark.parametrize("error", [ConnectError("refused"), NotHttpError("not HTTP")])
def test_without_retries_every_failure_is_final(error: UrlError) -> None:
    assert seconds_to_retry(error, 1, retries=0) is None


def test_clients_that_failed_together_do_not_come_back_together() -> None:
    waits = [backoff(4) for _ in range(200)]
    assert len(set(waits)) > 190
    assert min(waits) < 2 < 6 < max(waits)


def after(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds), True)


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        ("0", 0.0),
        ("007", 7.0),
        ("121", 121.0),
        ("9" * 5000, 999_999_999.0),
        (after(45), 45.0),
        (after(0), 0.0),
        (after(-3600), 0.0),
        (after(86400), 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799.0 - NOW),
        # The two older forms of a date, which name UTC in their own way or not at all.
        ("Sunday, 09-Sep-01 01:47:10 GMT", 30.0),
        ("Sun Sep  9 01:47:10 2001", 30.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("+3", None),
        ("soon", None),
        ("٣٠", None),
        ("30, 60", None),
        ("Sun, 99 Sep 2001 01:47:10 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(field: str, seconds: float | None) -> None:
    assert retry_after(field, NOW) == seconds


@given(st.text(max_size=60) | st.integers().map(str), st.floats(0, 4e9))
def test_whatever_retry_after_says_the_wait_is_within_bounds(field: str, now: float) -> None:
    wait = retry_after(field, now)
    assert wait is None or 0 <= wait < math.inf


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.floats(0, 7e9))
def test_a_date_in_any_form_is_waited_for(date: datetime, now: float) -> None:
    date = date.replace(microsecond=0, tzinfo=UTC)
    wait = max(0.0, date.timestamp() - now)
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"):
        assert parse_http_date(date.strftime(form)) == date
        assert retry_after(date.strftime(form), now) == wait
