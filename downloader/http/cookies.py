"""A cookie file in Netscape's format, and which of its cookies a request sends."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from downloader.errors import RunError
from downloader.web.urls import Url

#: The prefix of a cookie that scripts must not see; the line is no comment.
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
#: Characters that would break the request's header; the tab separates fields.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
#: A host that is an IP address has no parent domains.
_IP_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One line of the file.

    Attributes:
        domain: the host or domain that it is sent to.
        include_subdomains: whether it is also sent to subdomains.
        path: the path that it is sent to, with everything below.
        secure: whether it is sent only over TLS.
        expires: seconds since the epoch; 0 for never.
        pair: name and value, as they are sent.
    """

    domain: str
    include_subdomains: bool
    path: str
    secure: bool
    expires: float
    pair: str


class CookieFile:
    """The cookies of one file, by domain.

    Raises, when made:
        RunError: the file cannot be read, or is not in Netscape's format.
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

    def matching(self, url: Url) -> list[str]:
        """Return the cookies of a request, as ``name=value`` (RFC 6265, section 5.4)."""
        parts = urlsplit(url)
        now = time.time()
        found = [
            cookie
            for domain, exact in _domains(parts.netloc)
            for cookie in self._by_domain.get(domain, ())
            if (exact or cookie.include_subdomains)
            and (parts.scheme == "https" or not cookie.secure)
            and (not cookie.expires or cookie.expires > now)
            and _path_matches(parts.path, cookie.path)
        ]
        return [cookie.pair for cookie in sorted(found, key=lambda each: -len(each.path))]


def _parse(line: str) -> Cookie | None:
    fields = line.split("\t")
    if len(fields) == _FIELDS - 1:
        # Some editors drop the tab before an empty value.
        fields.append("")
    if len(fields) != _FIELDS or _CONTROLS.search(line):
        return None
    domain, subdomains, path, secure, expires, name, value = fields
    domain = domain.strip().lower().removeprefix(".")
    flags = {"TRUE": True, "FALSE": False}
    if not domain or subdomains.upper() not in flags or secure.upper() not in flags:
        return None
    try:
        ends = float(expires or 0)
    except ValueError:
        return None
    # A cookie without "=" is a value without a name (RFC 6265bis, section 5.7).
    pair = f"{name}={value}" if name else value
    return Cookie(domain, flags[subdomains.upper()], path or "/", flags[secure.upper()], ends, pair)


def _domains(netloc: str) -> Iterator[tuple[str, bool]]:
    """Yield the host, then its parent domains but for the last part; and whether it is the host."""
    host = netloc.rpartition("@")[2]
    name, colon, port = host.rpartition(":")
    host = name if colon and port.isdigit() else host
    yield host, True
    if _IP_ADDRESS.fullmatch(host):
        return
    _, dot, parent = host.partition(".")
    while dot and "." in parent:
        yield parent, False
        _, dot, parent = parent.partition(".")


def _path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a cookie for *cookie_path* is sent to *path* (RFC 6265, section 5.1.4)."""
    folder = cookie_path if cookie_path.endswith("/") else f"{cookie_path}/"
    return path == cookie_path or path.startswith(folder)


def _malformed(file: Path, reason: str) -> RunError:
    return RunError(
        f"cannot read cookies from {file}: {reason}", hint="it must be in Netscape's format"
    )
