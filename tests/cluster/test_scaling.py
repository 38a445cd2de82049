"""The benchmarks of scaling work, and no line of a long list is lost."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.scaling import counting_server, kills
from tests.support.marks import linux_only

#: In memory, where there is such a place: 200,000 files are much for a disk that others use too.
_MEMORY = Path("/dev/shm")


@pytest.mark.slow
@linux_only
def test_of_two_hundred_thousand_lines_over_two_thousand_hosts_none_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker is killed on the way; the server counts connections of each host."""
    # Coverage of so many lines takes half a minute, and shows nothing that a few lines do not.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    lines, hosts = 200_000, 2000
    place = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as name, counting_server.serving() as port:
        kills.write_list(Path(name), port, lines, hosts)
        summary, problems = kills.run_and_kill(Path(name), port, lines, after=50_000)
    assert not problems, summary
