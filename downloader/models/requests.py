"""Requests other than a GET without a body: their methods and bodies, and what may repeat them."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

#: Bytes of the body of a request.
MAX_REQUEST_BODY_BYTES = 64 * 1024 * 1024
#: The methods that may be repeated without another effect (RFC 9110, section 9.2.2).
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
#: A token (RFC 9110, section 5.6.2) without lower-case letters; such methods exist, but are
#: nearly always a mistake, because methods are case-sensitive.
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Z-]{1,40}")
_IDENTITY_BYTES = 16
#: Equal requests that are one object in a process that gets them from another one.
_MAX_SHARED = 16


@dataclass(frozen=True, slots=True)
class Request:
    """The method and the body of a request.

    Attributes:
        method: in upper case.
        body: the bytes that are sent; None for a request without a body.
        identity: the method and a hash of the body, which tell requests for one URL apart.

    Raises, when made:
        ValueError: there is no such method, or the body is too long.
    """

    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    identity: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the method, and the length of the body; hash it once."""
        method = self.method
        if not _METHOD.fullmatch(method):
            upper = method.upper()
            hint = f"; write {upper}" if _METHOD.fullmatch(upper) else ""
            raise ValueError(f"{method[:40]!r} is not a method of HTTP{hint}")
        if method == "CONNECT":
            raise ValueError("CONNECT opens a tunnel, and gets no page")
        if self.body is not None and len(self.body) > MAX_REQUEST_BODY_BYTES:
            size = MAX_REQUEST_BODY_BYTES // 1024**2
            raise ValueError(f"the body of the request is longer than {size} MiB")
        identity = method
        if self.body is not None:
            digest = hashlib.blake2b(self.body, digest_size=_IDENTITY_BYTES)
            identity = f"{method} {digest.hexdigest()}"
        object.__setattr__(self, "identity", identity)

    @classmethod
    def of(cls, method: str | None, body: bytes | None) -> Self | None:
        """Return the request with *method* and *body*; None for a GET without a body.

        A body implies POST, as in curl.

        Raises:
            ValueError: there is no such method, or the body is too long.
        """
        request = cls(method or ("GET" if body is None else "POST"), body)
        return None if request.method == "GET" and body is None else request

    @property
    def is_idempotent(self) -> bool:
        """Whether to make it twice is the same as to make it once."""
        return self.method in _IDEMPOTENT_METHODS

    def redirected(self, status: int) -> Self | None:
        """Return the request that follows a redirect with *status*; None for a plain GET.

        A 303 asks for a GET. 301 and 302 turn a POST into a GET, as in browsers and curl; any other
        method, and what gets a 307 or 308, stays as it is (RFC 9110, section 15.4).
        """
        if self.method == "HEAD":
            return self
        if status == 303 or (status in (301, 302) and self.method == "POST"):
            return None
        return self


@lru_cache(maxsize=_MAX_SHARED)
def shared_request(method: str, body: bytes | None) -> Request:
    """Return a request, the same object for the same arguments.

    Lines with the body of an option share it; in another process they would each have a copy.
    """
    return Request(method, body)
