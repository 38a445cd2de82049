"""Types of option values for requests: a method, and bodies as curl takes them."""

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from downloader.models import MAX_REQUEST_BODY_BYTES, Request
from downloader.web.text import format_size, printable

#: The file that stands for standard input.
_STDIN = "-"
#: The key in a context that says that a body was read from there.
BODY_FROM_STDIN = f"{__name__}.body_from_stdin"
#: Bytes that ``--data`` drops from files, as curl does.
_LINE_ENDS = b"\r\n\0"


class MethodParam(click.ParamType[str]):
    """The method of requests."""

    name = "METHOD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the method."""
        try:
            return Request(str(value)).method
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class BinaryDataParam(click.ParamType[bytes]):
    """A body: a text, or ``@`` and the file that holds it; no message shows it."""

    name = "TEXT|@FILE"
    #: A variable holds one body, whatever is in it: it cannot have this character.
    envvar_list_splitter = "\0"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        """Return the body."""
        if isinstance(value, bytes):
            return value
        text = str(value)
        if text.startswith("@"):
            return self._of_file(self._read(text[1:], param, ctx))
        # What is not UTF-8 on the command line is sent as it was given.
        return text.encode("utf-8", "surrogateescape")

    @staticmethod
    def _of_file(data: bytes) -> bytes:
        """Return what is sent of a file."""
        return data

    def _read(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        place = "standard input" if name == _STDIN else printable(name)
        if "\0" in name:
            self.fail("a path cannot contain a NUL character", param, ctx)
        try:
            if name == _STDIN:
                if sys.stdin is None:
                    self.fail("standard input is closed", param, ctx)
                if ctx is not None:
                    ctx.meta[BODY_FROM_STDIN] = True
                data = _beginning(sys.stdin.buffer)
            else:
                with Path(name).open("rb") as file:
                    data = _beginning(file)
        except OSError as error:
            self.fail(f"cannot read {place}: {error.strerror}", param, ctx)
        if len(data) > MAX_REQUEST_BODY_BYTES:
            limit = format_size(MAX_REQUEST_BODY_BYTES)
            self.fail(f"{place} is larger than {limit}", param, ctx)
        return data


class DataParam(BinaryDataParam):
    """A body, as curl's ``--data`` takes it: of a file, line ends are dropped."""

    @staticmethod
    def _of_file(data: bytes) -> bytes:
        """Return what is sent of a file."""
        return data.translate(None, _LINE_ENDS)


def _beginning(file: BinaryIO) -> bytes:
    """Return a file; of one that is too long, one byte more than is allowed."""
    return file.read(MAX_REQUEST_BODY_BYTES + 1)
