"""The benchmarks of sharing a list do what they say, and nothing is lost in a long one."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.scaling import kills, origin, plan, skew
from tests.support.marks import linux_only

#: In memory, where there is such a place: 200,000 files are much for a disk that others use too.
_MEMORY = Path("/dev/shm")


@linux_only
def test_of_two_hundred_thousand_lines_over_two_thousand_hosts_none_is_lost() -> None:
    """A worker is killed on the way; the server counts connections of each host."""
    lines, hosts = 200_000, 2000
    place = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as name, origin.serving() as port:
        kills.write_list(Path(name), port, lines, hosts)
        said, wrong = kills.one_run(Path(name), port, lines, after=50_000)
    assert not wrong, said


def test_a_largest_host_bounds_a_run_however_many_workers_there_are() -> None:
    counts = skew.sizes(100_000, 1000, exponent=1.0)
    bound = skew.host_seconds(max(counts))
    assert skew.makespan(counts, 64, workers=64, threads=4) == pytest.approx(bound)
    assert skew.makespan(counts, 64, workers=1, threads=1) > bound


def test_a_plan_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.main() == 0
    assert "| 1e+10 |" in capsys.readouterr().out
