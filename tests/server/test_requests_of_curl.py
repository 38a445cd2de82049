"""curl with the same options sends the same requests, but for what the documentation names."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.request_recorder import RecordedRequest, request_recorder

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "send-forms-and-other-methods.md"
HEADING = "## Compared with curl\n"
_FIELD_ROW = re.compile(r"^\| `([A-Z][A-Za-z-]+)` \|", re.MULTILINE)
#: The options of both commands; ``METHOD`` and so on are replaced by each one's own.
CASES = [
    ["--data", "a=1"],
    ["--data", "a=1", "--data", "b=2&c=%20"],
    ["--data", ""],
    ["--data", "a=\u00e9 b"],
    ["--data", "@lines"],
    ["--data", "a=1", "--data", "@lines"],
    ["--data-binary", "@lines"],
    ["--data-binary", "@empty"],
    ["--data-binary", "@large"],
    ["--data-binary", "text\n"],
    ["--data", "a=1", "METHOD", "PUT"],
    ["--data", "a=1", "METHOD", "GET"],
    ["--data", "a=1", "METHOD", "DELETE"],
    ["--data-binary", "{}", "-H", "Content-Type: application/json"],
    ["--data-binary", "{}", "-H", "content-type: text/x", "METHOD", "PATCH"],
    ["METHOD", "DELETE"],
    ["METHOD", "OPTIONS"],
    ["METHOD", "POST"],
    ["METHOD", "PROPFIND", "-H", "Depth: 1"],
    ["METHOD", "M-SEARCH"],
    ["--data", "a=1", "-u", "name:secret"],
    ["--data", "a=1", "-H", "X-A: 1", "-H", "X-B: 2"],
    ["--data", "a=1", "--referer", "https://example.org/"],
]
_LINES = b"a=1\r\nb=2\nc=3\n"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def named_fields() -> set[str]:
    """Return the fields that the documentation names."""
    section = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)[2]
    return {name.lower() for name in _FIELD_ROW.findall(section)}


def without_named(request: RecordedRequest) -> tuple[str, dict[str, str], bytes]:
    fields = {name: value for name, value in request.fields.items() if name not in named_fields()}
    return request.line, fields, request.body


@pytest.mark.parametrize("options", CASES, ids=" ".join)
async def test_curl_sends_the_same_but_for_what_is_documented(
    options: list[str], command: Command
) -> None:
    (command.folder / "lines").write_bytes(_LINES)
    (command.folder / "empty").touch()
    (command.folder / "large").write_bytes(bytes(range(256)) * 2000)
    async with request_recorder() as server:
        url = server.url("/path?query=1")
        ran = await command(url, *_named(options, METHOD="--method"))
        assert ran.status == 0, ran.err
        curl = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "-o", "page", url, *_named(options, METHOD="-X")),
            cwd=command.folder,
        )
        assert await curl.wait() == 0
    ours, theirs = server.requests
    assert without_named(ours) == without_named(theirs)
    if ours.body or theirs.body:
        assert ours.fields["content-length"] == theirs.fields["content-length"]


def _named(options: list[str], **names: str) -> list[str]:
    return [names.get(option, option) for option in options]


def test_the_documentation_names_no_field_that_is_always_the_same() -> None:
    assert named_fields() == {"user-agent", "accept-encoding", "content-length", "expect"}
