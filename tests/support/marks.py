"""Marks for tests that are slow, need something of the system, or depend on a quiet machine."""

import sys
from collections.abc import Iterable

import pytest

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127/8, and /proc to look into"
)


def sweep(values: Iterable[object], *, keep: int) -> list[object]:
    """Return parameters of which all but the first *keep* are marked slow.

    A tuple is one value for each of several argument names.
    """
    return [
        value
        if number < keep
        else pytest.param(
            *(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow
        )
        for number, value in enumerate(values)
    ]
