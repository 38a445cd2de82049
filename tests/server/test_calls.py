"""The cost of a URL in function calls, which depends little on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timing_sensitive(reason="batches are smaller on a busy machine")
@pytest.mark.parametrize("options", [[], ["--no-save"]], ids=["saved", "not saved"])
def test_a_page_takes_no_more_calls_than_before(options: list[str]) -> None:
    # Coverage would make calls of its own.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    counted = subprocess.run(
        [sys.executable, "-m", "benchmarks.calls", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert counted.returncode == 0, counted.stdout + counted.stderr
