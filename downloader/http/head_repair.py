"""Repair the head of a response that the parser refuses, where curl, wget and browsers accept it.

Nothing here looks at a head that the parser accepts. A repair never chooses between two readings of
where the body ends (RFC 9112, section 11.2): lengths that differ, a length beside chunks, and a
dropped line that resembles a framing field leave the head as it is, and so the response fails.
"""

import re

#: The end of a head; some servers end lines with LF alone, or with CR CR LF.
_END_OF_HEAD = re.compile(rb"\n\r*\n")
_STATUS_LINE = re.compile(rb"(HTTP/1\.[01])[ \t]+([1-5][0-9]{2})(?![0-9])[ \t]*(.*)", re.DOTALL)
#: The name of a field (RFC 9110, section 5.6.2).
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALID_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [0-9]{3}[ \r\n]")
_INTERIM = re.compile(rb"[\r\n]*HTTP/1\.[01][ \t]+1(?!01)[0-9]{2}(?![0-9])")
_NOT_LETTERS = re.compile(rb"[^a-z]+")
_FRAMING_NAME = re.compile(b"contentlength|transferencoding")
#: NUL and CR within a line become spaces (RFC 9110, section 5.5; RFC 9112, section 2.2).
_FORBIDDEN = bytes.maketrans(b"\0\r", b"  ")
_LENGTH = re.compile(rb"[0-9]{1,18}")

_Fields = list[tuple[bytes, bytes]]


def end_of_head(data: bytes | bytearray, start: int = 0) -> int:
    """Return where the head at *start* ends; -1 if it is not complete."""
    match = _END_OF_HEAD.search(data, start)
    return -1 if match is None else match.end()


def has_faulty_status_line(received: bytes) -> bool:
    """Return whether a response starts as HTTP/1, but with a status line that is not valid."""
    start = received.lstrip(b"\r\n")
    return start.startswith(b"HTTP/1.") and not _VALID_STATUS_LINE.match(start)


def final_head(received: bytes) -> tuple[int, int]:
    """Return where the head of the final response starts and ends.

    Interim responses before it are skipped. The end is -1 if the head is not complete.
    """
    start = 0
    while (end := end_of_head(received, start)) >= 0 and _INTERIM.match(received, start):
        start = end
    return start, end


def repair_response(received: bytes) -> tuple[bytes | None, int]:
    """Repair the head at the start of *received*.

    Returns:
        The repaired head, or None; and where the body starts, or -1 if the head is not complete.
        Interim responses before it stay as they are.
    """
    start, end = final_head(received)
    repaired = repair_head(received[start:end]) if end >= 0 else None
    return None if repaired is None else received[:start] + repaired, end


def repair_head(head: bytes) -> bytes | None:
    """Return a head without its faults, or None if it cannot be repaired without a guess.

    - Field lines without a valid name are dropped, with the lines that continue them.
    - Several spaces in the status line become one; so does none between status and reason.
    - A Content-Length that is repeated with the same value is one (RFC 9110, section 8.6).
    - ``chunked`` said twice is said once, and ``identity`` and ``none`` are no transfer codings.
    - Empty members of lists are dropped (RFC 9110, section 5.6.1.2).
    - Lines that end in CR CR LF end in CR LF.

    Args:
        head: of one response, with the empty line that ends it.
    """
    status_line, *lines = head.lstrip(b"\r\n").split(b"\n")
    status = _STATUS_LINE.fullmatch(status_line.rstrip(b"\r").translate(_FORBIDDEN))
    fields = _fields(lines)
    if status is None or fields is None:
        return None
    framing = _framing_fields(fields)
    if framing is None:
        return None
    first = b" ".join(part for part in status.groups() if part)
    others = [
        (name, value)
        for name, value in fields
        if name.lower() not in (b"content-length", b"transfer-encoding")
    ]
    repaired = [first, *(name + b": " + value for name, value in others + framing)]
    return b"\r\n".join([*repaired, b"", b""])


def _fields(lines: list[bytes]) -> _Fields | None:
    """Return the fields without junk; None if junk resembles a field that frames the body."""
    fields: _Fields = []
    continued: list[bytes] = []
    for line in lines:
        line = line.rstrip(b"\r").translate(_FORBIDDEN)
        if line[:1] in (b" ", b"\t"):
            continued.append(line.strip())
            continue
        _append_continued(fields, continued)
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        if colon and _TOKEN.fullmatch(name):
            fields.append((name, value.strip(b" \t")))
            continued = []
        elif _FRAMING_NAME.search(_NOT_LETTERS.sub(b"", name.lower())):
            return None
        else:
            continued = [b""]  # what continues junk is junk
    return fields


def _append_continued(fields: _Fields, continued: list[bytes]) -> None:
    """Unfold a field (RFC 9112, section 5.2)."""
    if continued and fields and continued[0]:
        name, value = fields[-1]
        fields[-1] = name, b" ".join([value, *continued])


def _framing_fields(fields: _Fields) -> _Fields | None:
    """Return the fields that say where the body ends; None if they contradict each other."""
    lengths = _members(fields, b"content-length")
    codings = [coding.lower() for coding in _members(fields, b"transfer-encoding")]
    codings = [coding for coding in codings if coding not in (b"", b"identity", b"none")]
    if set(codings) == {b"chunked"}:
        codings = [b"chunked"]
    if lengths:
        # An empty list is no valid length.
        lengths = [length for length in lengths if length] or [b""]
    if len(set(lengths)) > 1 or (lengths and codings):
        return None
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        return None
    if codings:
        return [(b"Transfer-Encoding", b", ".join(codings))]
    return [(b"Content-Length", lengths[0])] if lengths else []


def _members(fields: _Fields, wanted: bytes) -> list[bytes]:
    """Return the members of a list-valued field, of all its lines."""
    values = [value for name, value in fields if name.lower() == wanted]
    return [member.strip(b" \t") for value in values for member in value.split(b",")]
