"""The start of the command: what it imports, and what Ctrl-C does before a run has begun."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import downloader
from downloader.cli.subcommands import SUBCOMMANDS

#: Libraries that take long to import, and that help and version have no use for.
HEAVY = {
    *("aiofiles", "aiohttp", "asyncio", "distributed", "fsspec", "jinja2"),
    *("multiprocessing", "pathvalidate", "pyarrow", "socket", "sqlite3", "ssl", "tomllib"),
    *("tqdm", "tree_sitter", "turbohtml", "urllib.request", "uvloop", "warcio"),
}
#: Runs the command, and prints to stderr the names of all modules that it has imported.
LIST_MODULES = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv[0] = "download"
from downloader.cli.main import main
main()
"""
#: Runs the command, and sends it a SIGINT just before it imports its module number argv[1].
INTERRUPT_IMPORT = """
import os, signal, sys
left = int(sys.argv.pop(1))
begun = False
def hook(event, arguments):
    global left, begun
    if event != "import":
        return
    begun = begun or arguments[0] == "downloader.cli.subcommands"
    left -= begun
    if begun and left == 0:
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
from downloader.cli.main import main
main()
"""
#: Runs the command, and says so when Ctrl-C is handled.
SAY_READY = """
import sys
from downloader.cli import interrupts
def say_ready(handle=interrupts.exit_on_interrupt):
    handle()
    print("ready", flush=True)
interrupts.exit_on_interrupt = say_ready
from downloader.cli.main import main
main()
"""


def python(code: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    # Coverage would import libraries of its own into the process.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments", ["--version", "--help", *(f"{name} --help" for name in SUBCOMMANDS)]
)
def test_help_and_version_import_only_what_they_show(arguments: str, tmp_path: Path) -> None:
    ran = python(LIST_MODULES, *arguments.split(), folder=tmp_path)
    imported = set(json.loads(ran.stderr))
    assert imported & HEAVY == set()
    ours = {name for name in imported if name.startswith("downloader.")}
    assert len(ours) <= 62, sorted(ours)
    assert len(imported) <= 230, sorted(imported)


def test_a_run_without_http2_imports_no_library_for_it(tmp_path: Path) -> None:
    ran = python(LIST_MODULES, "http://127.0.0.1:1/", "--no-save", "--retries=0", folder=tmp_path)
    imported = set(json.loads(ran.stderr.splitlines()[-1]))
    assert "aiohttp" in imported
    assert not imported & {"h2.connection", "hpack", "hyperframe"}


def test_the_package_is_cheap_to_import_and_has_its_public_names(tmp_path: Path) -> None:
    ran = python(
        "import downloader, json, sys; print(json.dumps(sorted(sys.modules)))", folder=tmp_path
    )
    ours = {name for name in json.loads(ran.stdout) if name.startswith("downloader")}
    assert ours == {"downloader", "downloader._version"}


@pytest.mark.parametrize("name", downloader.__all__)
def test_a_public_name_can_be_imported_and_is_listed(name: str) -> None:
    assert getattr(downloader, name) is not None
    assert name in dir(downloader)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'downloader' has no attribute 'nothing'"):
        downloader.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 15, 25, 40, 60, 90, 130, 180, 240, 300])
def test_an_interrupt_during_the_imports_leaves_no_traceback(number: int, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("http://127.0.0.1:1/\n")
    ran = python(INTERRUPT_IMPORT, str(number), "list.txt", folder=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


@pytest.mark.parametrize("milliseconds", [0, 20, 50, 100, 150, 200, 300, 400, 2000])
def test_an_interrupt_at_any_moment_ends_the_command_with_130(
    milliseconds: int, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAY_READY, "-"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        # The list never ends, so the run goes on, however fast the machine is.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert b"Traceback" not in process.stderr.read()


def test_an_interrupt_that_the_process_was_started_to_ignore_stays_ignored(tmp_path: Path) -> None:
    code = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{INTERRUPT_IMPORT}"
    ran = python(code, "3", "--version", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
