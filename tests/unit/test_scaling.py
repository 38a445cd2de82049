"""The arithmetic of the benchmarks of scaling."""

import pytest

from benchmarks.scaling import plan, skew


def test_a_largest_host_bounds_a_run_however_many_workers_there_are() -> None:
    counts = skew.sizes(100_000, 1000, exponent=1.0)
    bound = skew.host_seconds(max(counts))
    assert skew.makespan(counts, 64, workers=64, threads=4) == pytest.approx(bound)
    assert skew.makespan(counts, 64, workers=1, threads=1) > bound


def test_a_plan_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.main() == 0
    assert "| 1e+10 |" in capsys.readouterr().out
