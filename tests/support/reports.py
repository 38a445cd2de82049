"""Reports read back, and texts that have broken programs which print, parse or show them."""

import json
from pathlib import Path
from typing import Any

import jsonschema

from downloader.report.json_schema import schema

SCHEMA = json.loads(schema())


VALID = jsonschema.Draft202012Validator(SCHEMA)


#: What has broken programs that print, parse or show texts, in the manner of the "big list of
#: naughty strings".
HOSTILE_TEXTS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "＝1+1",  # noqa: RUF001
    " =1+1",
    "\t=1+1",
    '"><script>alert(1)</script>',
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "${7*7}",
    "javascript:alert(1)",
    "' OR 1=1 --",
    "a,b;c\td",
    "quote \" and ' quote",
    "line\nbreak\r\nand \u2028 another",
    "\x1b[31mred\x1b[0m\x07\x00",
    "\u202eright to left",
    "\ud800 alone",
    "\U0001f469\u200d\U0001f4bb",
    "Ω≈ç√∫ 田中さん",
    "%s%n%x",
    "../../etc/passwd",
    "##[error]x",
    "::error::x",
    "",
]


def records(file: Path) -> list[dict[str, Any]]:
    lines = file.read_text("ascii").splitlines()
    found = [json.loads(line) for line in lines]
    for record in found:
        VALID.validate(record)
    return found
