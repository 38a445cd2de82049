"""Files of cookies in Netscape's format, which curl, wget and extensions of browsers read."""

import math
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from downloader.errors import DiskError, RunError
from downloader.http.cookies import CONTROLS, Cookie, is_address

#: The prefix of a cookie that scripts must not see; the line is no comment.
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
#: The first line is what Python's http.cookiejar recognises the format by.
_HEAD = "# Netscape HTTP Cookie File\n# Written by download. Keep it secret: cookies log in.\n\n"
_DOMAIN = re.compile(r"[^\s\[\]:#/]+|\[[^\s\[\]]+\]")
_FLAGS = {"TRUE": True, "FALSE": False}


def read_cookie_file(file: Path) -> list[Cookie]:
    """Return the cookies of a file, expired ones as well.

    Raises:
        RunError: the file cannot be read, or is not in Netscape's format.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise RunError(f"cannot read cookies from {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _malformed(file, "it is not in UTF-8") from None
    cookies = []
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r").removeprefix(_HTTP_ONLY)
        if not text.strip() or text.startswith("#"):
            continue
        cookie = _parse(text)
        if cookie is None:
            # The line is not shown, because it may hold a secret.
            raise _malformed(file, f"line {number} is no cookie")
        cookies.append(cookie)
    return cookies


def check_cookie_file(file: Path) -> None:
    """Check that a file of cookies can be written, before there are any.

    Raises:
        RunError: it cannot.
    """
    folder = file.resolve().parent
    if not folder.is_dir():
        raise _unwritable(file, "there is no such folder")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise _unwritable(file, "permission denied")


def write_cookie_file(file: Path, cookies: Iterable[Cookie]) -> None:
    """Write *cookies*, readable by their owner only; a file is replaced once it is whole.

    Raises:
        DiskError: the file cannot be written.
    """
    text = _HEAD + "".join(map(_line, cookies))
    try:
        if file.exists() and not file.is_file():
            # A device or a pipe, such as /dev/stdout.
            file.write_text(text, encoding="utf-8")
            return
        # A link stays one.
        file = file.resolve()
        descriptor, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as whole:
                whole.write(text)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DiskError(f"cannot write cookies to {file}: {error.strerror}") from None


def _line(cookie: Cookie) -> str:
    """Return the line of a cookie.

    A cookie that scripts must not see is written without its prefix, because wget takes the line
    for a comment.
    """
    flags = ["FALSE", "TRUE"]
    fields = (
        f"{'' if cookie.host_only else '.'}{cookie.domain.strip('[]')}",
        flags[not cookie.host_only],
        cookie.path,
        flags[cookie.secure],
        str(int(cookie.expires)),
        cookie.name,
        cookie.value,
    )
    return "\t".join(fields) + "\n"


def _parse(line: str) -> Cookie | None:
    fields = line.split("\t")
    if len(fields) == _FIELDS - 1:
        # Some editors drop the tab before an empty value.
        fields.append("")
    if len(fields) != _FIELDS or any(map(CONTROLS.search, fields)):
        return None
    domain, subdomains, path, secure, expires, name, value = fields
    domain = _host(domain.strip().lower().lstrip("."))
    if (
        not _DOMAIN.fullmatch(domain)
        or subdomains.upper() not in _FLAGS
        or secure.upper() not in _FLAGS
    ):
        return None
    try:
        ends = float(expires or 0)
    except ValueError:
        return None
    if not math.isfinite(ends):
        return None
    return Cookie(
        name=name,
        value=value,
        domain=domain,
        host_only=not _FLAGS[subdomains.upper()] or is_address(domain),
        path=path or "/",
        secure=_FLAGS[secure.upper()],
        expires=ends,
    )


def _host(text: str) -> str:
    """Return a domain without the port that wget writes, and IPv6 in brackets, as in a URL."""
    if text.count(":") > 1 and not text.startswith("["):
        return f"[{text}]"
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text


def _malformed(file: Path, reason: str) -> RunError:
    return RunError(
        f"cannot read cookies from {file}: {reason}", hint="it must be in Netscape's format"
    )


def _unwritable(file: Path, reason: str) -> RunError:
    return RunError(f"cannot write cookies to {file}: {reason}", hint="see --save-cookies")
