"""Read a file of cookies in Netscape's format, and find those that belong to a request."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from downloader.errors import RunError
from downloader.web.urls import Url

#: Marks a cookie that scripts must not see, in what would else be a comment.
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
#: No field may hold one: it would break the request's header.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
#: A host that is an address has no domains above it.
_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One line of the file.

    Attributes:
        domain: the host, or with *below* the domain, that it belongs to.
        below: whether it belongs to the hosts below its domain as well.
        path: the folder that it belongs to.
        secure: whether it may only be sent over TLS.
        expires: seconds since the epoch; 0 for never.
        pair: name and value as they are sent.
    """

    domain: str
    below: bool
    path: str
    secure: bool
    expires: float
    pair: str


class CookieFile:
    """The cookies of one file, by domain.

    Raises, when made:
        RunError: it cannot be read, or is not in Netscape's format.
    """

    def __init__(self, file: Path) -> None:
        self._by_domain: dict[str, list[Cookie]] = {}
        try:
            lines = file.read_text(encoding="utf-8-sig").split("\n")
        except OSError as error:
            raise RunError(f"cannot read cookies from {file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise _malformed(file, "it is not in UTF-8") from None
        for number, line in enumerate(lines, 1):
            text = line.rstrip("\r").removeprefix(_HTTP_ONLY)
            if not text.strip() or text.startswith("#"):
                continue
            cookie = _parse(text)
            if cookie is None:
                # The line is not shown, because it may hold a secret.
                raise _malformed(file, f"line {number} is no cookie")
            self._by_domain.setdefault(cookie.domain, []).append(cookie)

    def fitting(self, url: Url) -> list[str]:
        """Return the cookies that belong to a request, as ``name=value`` (RFC 6265, 5.4)."""
        parts = urlsplit(url)
        now = time.time()
        found = [
            cookie
            for domain, exact in _domains(parts.netloc)
            for cookie in self._by_domain.get(domain, ())
            if (exact or cookie.below)
            and (parts.scheme == "https" or not cookie.secure)
            and (not cookie.expires or cookie.expires > now)
            and _is_below(parts.path, cookie.path)
        ]
        return [cookie.pair for cookie in sorted(found, key=lambda each: -len(each.path))]


def _parse(line: str) -> Cookie | None:
    fields = line.split("\t")
    if len(fields) == _FIELDS - 1:
        # Editors drop the tab before an empty value.
        fields.append("")
    if len(fields) != _FIELDS or _CONTROL.search(line):
        return None
    domain, below, path, secure, expires, name, value = fields
    domain = domain.strip().lower().removeprefix(".")
    flags = {"TRUE": True, "FALSE": False}
    if not domain or below.upper() not in flags or secure.upper() not in flags:
        return None
    try:
        ends = float(expires or 0)
    except ValueError:
        return None
    # A cookie without a name is one whose name was taken for its value (RFC 6265bis, 5.7).
    pair = f"{name}={value}" if name else value
    return Cookie(domain, flags[below.upper()], path or "/", flags[secure.upper()], ends, pair)


def _domains(netloc: str) -> Iterator[tuple[str, bool]]:
    """Yield a host and the domains above it, but for the last part; and whether it is the host."""
    host = netloc.rpartition("@")[2]
    name, colon, port = host.rpartition(":")
    host = name if colon and port.isdigit() else host
    yield host, True
    if _ADDRESS.fullmatch(host):
        return
    _, dot, above = host.partition(".")
    while dot and "." in above:
        yield above, False
        _, dot, above = above.partition(".")


def _is_below(path: str, folder: str) -> bool:
    """Return whether a cookie for *folder* is sent with *path* (RFC 6265, section 5.1.4)."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def _malformed(file: Path, what: str) -> RunError:
    return RunError(
        f"cannot read cookies from {file}: {what}", hint="it must be in Netscape's format"
    )
