"""Errors of streams and connections, before they become errors of URLs."""

import re

from h2.errors import ErrorCodes
from h2.exceptions import NoSuchStreamError, StreamClosedError
from h2.exceptions import ProtocolError as H2ProtocolError

from downloader.errors import (
    ConnectError,
    RefusedError,
    TimedOutError,
    TruncatedError,
    UrlError,
)
from downloader.web.text import printable

_MAX_MESSAGE_LENGTH = 120
#: Error codes with which a server asks for fewer requests (RFC 9113, section 7).
_OVERLOAD_CODES = frozenset({ErrorCodes.REFUSED_STREAM, ErrorCodes.ENHANCE_YOUR_CALM})
#: Names of h2's classes.
_OF_H2 = re.compile(r"[a-z](Inputs|Frame|Error)\b")


class FrameError(Exception):
    """A frame that ends its connection; it was sent for a stream, or for the connection (0).

    Attributes:
        code: the error code to send to the server.
    """

    code = ErrorCodes.PROTOCOL_ERROR

    def __init__(self, message: str, stream_id: int) -> None:
        super().__init__(message)
        self.message = message
        self.stream_id = stream_id


class FloodError(FrameError):
    """The server sends useless frames without end."""

    code = ErrorCodes.ENHANCE_YOUR_CALM


class NotProcessedError(Exception):
    """The server has not processed a request, which may be made again on another connection."""


class UnprocessedError(RefusedError):
    """The server asks for fewer requests, and has not processed this one (section 8.7)."""


class ConnectionDiedError(NotProcessedError):
    """The connection broke before the response; whether the server saw the request is unknown.

    Attributes:
        fault: the cause, if it is known.
    """

    def __init__(self, fault: UrlError | None = None) -> None:
        super().__init__()
        self.fault = fault


class Http11RequiredError(NotProcessedError):
    """The server wants HTTP/1.1 for this request (RFC 9113, section 7)."""


def code_name(code: int) -> str:
    """Return the name of an error code (RFC 9113, section 7)."""
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error {code}"


def reset_error(code: int, *, in_body: bool, knows_limits: bool) -> Exception:
    """Return what the reset of a stream means for its request.

    Args:
        code: the error code of the reset.
        in_body: whether the head of the response had come.
        knows_limits: whether the server has said how many requests it takes.
    """
    if in_body:
        return TruncatedError(f"the server reset the stream in the body: {code_name(code)}")
    if code == ErrorCodes.HTTP_1_1_REQUIRED:
        return Http11RequiredError()
    if code == ErrorCodes.REFUSED_STREAM and not knows_limits:
        return NotProcessedError()
    message = f"the server reset the stream: {code_name(code)}"
    if code == ErrorCodes.REFUSED_STREAM:
        return UnprocessedError(message)
    return RefusedError(message) if code in _OVERLOAD_CODES else ConnectError(message)


def goaway_error(code: int) -> Exception:
    """Return what a GOAWAY means for a request that the server will not process."""
    if code == ErrorCodes.ENHANCE_YOUR_CALM:
        return UnprocessedError("the server asks for fewer requests")
    return Http11RequiredError() if code == ErrorCodes.HTTP_1_1_REQUIRED else NotProcessedError()


def stalled() -> TimedOutError:
    """Return the error of a response that does not go on."""
    return TimedOutError("no data for too long", hint="see --read-timeout")


def fault_of(error: H2ProtocolError) -> str:
    """Return a message for an error of h2, whose own may be a number or name its classes."""
    match error:
        case StreamClosedError():
            return "a frame of a stream that has ended"
        case NoSuchStreamError():
            return "a frame of a stream that was never opened"
    message = str(error)
    if message.startswith("Error decoding header block"):
        return "fields that cannot be decompressed"
    if not message or _OF_H2.search(message):
        return "a frame that is out of place"
    return printable(message[:_MAX_MESSAGE_LENGTH])
