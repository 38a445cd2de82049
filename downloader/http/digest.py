"""Digest authentication (RFC 7616): challenges of servers, and the fields that answer them.

aiohttp's own middleware is not used. It reads only the first challenge of a response, keeps one
origin for the whole session, and does not see requests over HTTP/2.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

#: Algorithms by their names, and their names in hashlib; the strongest first (RFC 7616,
#: section 6.1).
_ALGORITHMS = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
_STRENGTHS = list(_ALGORITHMS)
_SESSION = "-SESS"
#: Characters that are read of all challenges of one response.
_MAX_CHALLENGE_CHARACTERS = 16 * 1024
#: The name of a scheme, or a parameter with its value, quoted or not (RFC 9110, section 11.2).
_PART = re.compile(
    r"""([\w!#$%&'*+.^`|~-]++)(?:[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]*+)))?""", re.ASCII
)
_ESCAPED = re.compile(r"\\(.)")
_TO_ESCAPE = re.compile(r'(["\\])')


@dataclass(frozen=True, slots=True)
class Login:
    """A user with a password; its repr does not show the password."""

    user: bytes
    password: bytes = field(repr=False)


@dataclass(slots=True)
class DigestSession:
    """A server's challenge, and how often it has been answered.

    Attributes:
        stale: whether the server has refused only the nonce, and not the password.
        client_nonce: sent with each answer.
    """

    realm: str
    nonce: str
    algorithm: str
    names_algorithm: bool
    has_qop: bool
    opaque: str | None
    hashes_user: bool
    stale: bool
    client_nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    _answers: int = 0

    @classmethod
    def from_fields(cls, fields: Iterable[str]) -> Self | None:
        """Return the strongest Digest challenge that can be answered, or None.

        Args:
            fields: the values of ``WWW-Authenticate``.
        """
        known = [
            session
            for each in _digest_challenges(fields)
            if (session := cls._from_parameters(each))
        ]
        return min(known, key=lambda each: _STRENGTHS.index(each.hash_name()), default=None)

    @classmethod
    def _from_parameters(cls, parameters: Mapping[str, str]) -> Self | None:
        """Return one challenge; None if it is malformed, or of an unknown algorithm.

        Bytes that are not UTF-8 could not be sent back as they are.
        """
        algorithm = parameters.get("algorithm", "MD5").upper()
        qops = {each.strip().lower() for each in parameters.get("qop", "").split(",")} - {""}
        if (
            "realm" not in parameters
            or not parameters.get("nonce")
            or algorithm.removesuffix(_SESSION) not in _ALGORITHMS
            or (qops and "auth" not in qops)
            or not _is_unicode("".join(parameters.values()))
        ):
            return None
        return cls(
            parameters["realm"],
            parameters["nonce"],
            algorithm,
            "algorithm" in parameters,
            bool(qops),
            parameters.get("opaque"),
            parameters.get("userhash", "").lower() == "true",
            parameters.get("stale", "").lower() == "true",
        )

    def authorization(self, login: Login, method: str, uri: str) -> str:
        """Return the ``Authorization`` field of a request (RFC 7616, section 3.4).

        Args:
            login: user and password.
            method: of the request.
            uri: path and query, as they are sent.
        """
        self._answers += 1
        count = f"{self._answers:08x}"
        nonce, client_nonce = self.nonce.encode(), self.client_nonce.encode()
        secret = self._hash(login.user, self.realm.encode(), login.password)
        if self.algorithm.endswith(_SESSION):
            secret = self._hash(secret, nonce, client_nonce)
        request = self._hash(method.encode(), uri.encode())
        middle = (count.encode(), client_nonce, b"auth") if self.has_qop else ()
        response = self._hash(secret, nonce, *middle, request)
        user = login.user.decode(errors="replace")
        if self.hashes_user:
            user = self._hash(login.user, self.realm.encode()).decode()
        quoted = {
            "username": user,
            "realm": self.realm,
            "nonce": self.nonce,
            "uri": uri,
            "response": response.decode(),
            "opaque": self.opaque,
            "cnonce": self.client_nonce if self.has_qop else None,
        }
        parts = [f'{name}="{_escape(each)}"' for name, each in quoted.items() if each is not None]
        if self.names_algorithm:
            parts.append(f"algorithm={self.algorithm.replace(_SESSION, '-sess')}")
        if self.has_qop:
            parts += ["qop=auth", f"nc={count}"]
        if self.hashes_user:
            parts.append("userhash=true")
        return f"Digest {', '.join(parts)}"

    def hash_name(self) -> str:
        """Return the name of the hash algorithm."""
        return self.algorithm.removesuffix(_SESSION)

    def _hash(self, *parts: bytes) -> bytes:
        name = _ALGORITHMS[self.hash_name()]
        return hashlib.new(name, b":".join(parts), usedforsecurity=False).hexdigest().encode()


def _digest_challenges(fields: Iterable[str]) -> list[dict[str, str]]:
    """Return the parameters of each Digest challenge; a field may hold several challenges."""
    challenges: list[dict[str, str]] = []
    parameters: dict[str, str] = {}
    for part in _PART.finditer(", ".join(fields)[:_MAX_CHALLENGE_CHARACTERS]):
        name, quoted, bare = part.groups()
        if quoted is not None:
            parameters.setdefault(name.lower(), _ESCAPED.sub(r"\1", quoted))
        elif bare is not None:
            parameters.setdefault(name.lower(), bare)
        else:
            # The name of a scheme, with which a challenge begins.
            parameters = {}
            if name.lower() == "digest":
                challenges.append(parameters)
    return challenges


def _is_unicode(text: str) -> bool:
    """Return whether *text* has no surrogates, for which aiohttp takes bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escape(text: str) -> str:
    return _TO_ESCAPE.sub(r"\\\1", text)
