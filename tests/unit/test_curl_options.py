"""docs/reference/curl-options.md names every option of curl that it promises to name."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from downloader.cli import download_command

PAGE = Path("docs/reference/curl-options.md")
CATEGORIES = ("auth", "connection", "dns", "http", "post", "proxy", "tls")
OF_OTHER_PROTOCOLS = re.compile("--(ftp|mail|compressed-ssh|krb|hostpub)")
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z0-9][\w.-]*")


def code(text: str) -> set[str]:
    """Return the options in the code spans of a text."""
    spans = re.findall("`([^`]*)`", text)
    return {option for span in spans for option in OPTION.findall(span.replace("/--", " --"))}


def test_each_option_of_curl_is_on_the_page() -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    shown = [
        subprocess.run([curl, "--help", category], capture_output=True, text=True, check=True)
        for category in CATEGORIES
    ]
    theirs = {
        option
        for each in shown
        for option in re.findall(r"^ *(?:-\w, )? *(--[\w.-]+)", each.stdout, re.MULTILINE)
    }
    assert len(theirs) > 100
    missing = theirs - code(PAGE.read_text())
    assert not {each for each in missing if not OF_OTHER_PROTOCOLS.match(each)}


def test_what_the_page_says_is_here_exists() -> None:
    same, other, *_ = PAGE.read_text().split("\n## ")[1:]
    ours = {
        option
        for each in download_command.command.params
        for option in (*each.opts, *each.secondary_opts)
    }
    rows = [line.split("|")[1:-1] for line in other.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    named = set.union(*(code(row[-1]) for row in rows))
    rows = [line.split("|")[1:-1] for line in same.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    named |= {each for row in rows for each in code(row[0]) if each.startswith("--")}
    assert not named - ours
