"""Marks for tests that need something of the system."""

import sys

import pytest

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127/8, and /proc to look into"
)
