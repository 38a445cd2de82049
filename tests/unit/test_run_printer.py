"""What the command prints of a run, whatever fetches it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from downloader import ErrorKind, Failed, Options, Outcome, RunError
from downloader.cli.outcome_lines import summary_line
from downloader.cli.run_printer import OutcomeView, print_run
from downloader.core.run import Run, RunProgress
from downloader.models import ExitStatus, InFlight, Skipped, SkipReason, Tally
from downloader.report.interface import ReportOptions
from downloader.report.reporter import Reporter

DONE = Skipped(index=0, origin="#1", url="http://h.test/1", reason=SkipReason.DONE, detail="done")
FAILED = Failed(
    index=1, origin="#2", url="http://h.test/2", kind=ErrorKind.TIMEOUT, message="too slow"
)


class MadeUpRun:
    """A run of given outcomes, which an error may end."""

    def __init__(
        self, *outcomes: Outcome, untried: int = 0, error: Exception | None = None
    ) -> None:
        self.warnings = ["the disk is nearly full"]
        self.archive_files: Sequence[Path] = ()
        self.stopped = False
        self._outcomes = outcomes
        self._untried = untried
        self._error = error

    @property
    def progress(self) -> RunProgress:
        total = len(self._outcomes) + self._untried
        return RunProgress(
            total=total, untried=self._untried, other_shards=0, received=0, running=0
        )

    def in_flight(self) -> list[InFlight]:
        return []

    def stop(self, *, now: bool = False) -> None:
        self.stopped = True

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        for outcome in self._outcomes:
            yield outcome
        if self._error is not None:
            raise self._error


async def printed(run: Run, *, quiet: bool = False) -> ExitStatus:
    view = OutcomeView("out", quiet=quiet, verbose=False, progress=False, debug=False)
    with Reporter(ReportOptions(), None) as reporter:
        return await print_run(run, Options(), view, reporter)


async def test_outcomes_go_to_stdout_and_failures_and_warnings_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = await printed(MadeUpRun(DONE, FAILED))
    out, err = capsys.readouterr()
    assert status is ExitStatus.SOME_FAILED
    assert "http://h.test/1" in out
    assert "http://h.test/2" not in out
    assert "Failed http://h.test/2: too slow (timeout)" in err
    assert "download: the disk is nearly full" in err


async def test_a_quiet_run_without_failures_prints_its_warnings_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = await printed(MadeUpRun(DONE), quiet=True)
    out, err = capsys.readouterr()
    assert status is ExitStatus.DONE
    assert out == ""
    assert err == "download: the disk is nearly full\n"


async def test_a_run_that_ends_early_says_how_many_lines_were_not_tried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RunError, match="the list cannot be read"):
        await printed(MadeUpRun(DONE, untried=2, error=RunError("the list cannot be read")))
    out, err = capsys.readouterr()
    assert "http://h.test/1" in out
    assert "Stopped: 2 lines were not tried" in err


async def test_the_last_lines_count_failures_by_kind_and_name_the_reports(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kinds = [ErrorKind.DNS, *[ErrorKind.HTTP_STATUS] * 3, *[ErrorKind.TIMEOUT] * 2]
    outcomes: list[Outcome] = [DONE, *(replace(FAILED, kind=kind) for kind in kinds)]
    files = [tmp_path / "a.jsonl", tmp_path / "b.csv"]
    view = OutcomeView("out", quiet=False, verbose=False, progress=False, debug=False)
    with Reporter(ReportOptions(files=files), None) as reporter:
        await print_run(MadeUpRun(*outcomes), Options(), view, reporter)
    totals, reports = capsys.readouterr().out.splitlines()[-2:]
    assert totals.startswith(
        "7 URLs: 0 downloaded, 0 unchanged, 1 skipped, 6 failed "
        "(3 http-status, 2 timeout, 1 dns); 0 B in "
    )
    assert reports == f"Reports: {files[0]}, {files[1]}"


def test_totals_have_the_bytes_received_where_they_differ() -> None:
    tally = Tally(downloaded=1, saved=24_000, received=24_001)
    assert summary_line(tally, 1.5).endswith("0 failed; 23.4 KiB in 1.50 s")
    tally.received = 1000
    assert summary_line(tally, 1.5).endswith("; 23.4 KiB (1000 B received) in 1.50 s")
