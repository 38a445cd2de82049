"""The netrc file: which user and password a machine has.

The standard library's parser keeps one user of each machine; a URL may name another one.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from downloader.errors import RunError
from downloader.http.digest import Login

#: A comment, which lasts to the end of its line if it stands in place of a keyword; a quoted word;
#: a word.
_WORD = re.compile(r'"((?:[^"\\]|\\.)*+)"|((?:[^\s\\]|\\.)++)', re.DOTALL)
_LINE_END = re.compile(r"\n|$")
#: Macros end with an empty line.
_MACRO_END = re.compile(r"\n[ \t\r]*\n|$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
#: Where an entry begins, or a macro.
_BEGINNINGS = frozenset({"machine", "default", "macdef"})
#: The machine of the entry that counts for all others.
_DEFAULT = ""


class NetrcFile:
    """Users and passwords by machine.

    Raises, when made:
        RunError: the file cannot be read, or is malformed; the message quotes nothing of it.
    """

    def __init__(self) -> None:
        file = netrc_path()
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise RunError(f"cannot read {file}: {error.strerror}", hint="see --netrc") from None
        except UnicodeDecodeError:
            text = None
        if text is None:
            _refuse(file, "it is not in UTF-8")
        self._logins: dict[str, list[Login]] = {}
        for entry in _entries(text, file):
            self._logins.setdefault(entry[0], []).append(entry[1])

    def login(self, machine: str, user: bytes | None = None, *, default: bool) -> Login | None:
        """Return the last entry of *machine*, or its first one for *user*; None if it has none.

        Args:
            machine: the name of the host, without a port.
            user: consider only entries of this user.
            default: whether the default entry may take the place of the machine's.
        """
        logins = self._logins.get(machine)
        if logins is None and default:
            logins = self._logins.get(_DEFAULT)
        if user is None:
            return logins[-1] if logins else None
        return next((login for login in logins or () if login.user == user), None)


def _entries(text: str, file: Path) -> Iterator[tuple[str, Login]]:
    """Yield machines with their users and passwords."""
    position = 0

    def word() -> str:
        """Return the next word; an empty text at the end."""
        nonlocal position
        match = _WORD.search(text, position)
        if match is None:
            if text[position:].strip():
                malformed()
            position = len(text)
            return ""
        position = match.end()
        quoted, bare = match.groups()
        return _ESCAPED.sub(r"\1", bare if quoted is None else quoted)

    def keyword() -> str:
        """Return the next word that is not in a comment."""
        nonlocal position
        while (text_of_word := word()).startswith("#"):
            end = _LINE_END.search(text, position)
            position = end.end() if end else len(text)
        return text_of_word

    def malformed() -> NoReturn:
        _refuse(file, f"line {text.count(chr(10), 0, position) + 1} is not in its format")

    beginning = keyword()
    while beginning:
        if beginning == "macdef":
            end = _MACRO_END.search(text, position)
            position = end.end() if end else len(text)
            beginning = keyword()
            continue
        if beginning not in _BEGINNINGS:
            malformed()
        machine = word() if beginning == "machine" else _DEFAULT
        if beginning == "machine" and not machine:
            malformed()
        values = {"login": "", "user": "", "account": "", "password": ""}
        while (name := keyword()) and name not in _BEGINNINGS:
            if name not in values:
                malformed()
            values[name] = word()
        user = values["login"] or values["user"]
        # URLs name hosts in lower case.
        yield machine.lower(), Login(user.encode(), values["password"].encode())
        beginning = name


def netrc_path() -> Path:
    """Return the file: that of ``NETRC``, or ``~/.netrc``."""
    return Path(os.environ.get("NETRC") or Path.home() / ".netrc")


def netrc_warnings() -> list[str]:
    """Return a warning if other users of this machine can read the netrc file."""
    file = netrc_path()
    try:
        mode = file.stat().st_mode
    except OSError:
        return []  # reading it will fail, and say why
    if (
        sys.platform == "win32"
        or not stat.S_ISREG(mode)
        or not mode & (stat.S_IRGRP | stat.S_IROTH)
    ):
        return []
    return [f"other users can read the passwords in {file}; protect it with: chmod 600"]


def _refuse(file: Path, reason: str) -> NoReturn:
    raise RunError(f"cannot read {file}: {reason}", hint="see --netrc")
