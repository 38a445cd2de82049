"""An outcome of every kind; and a list whose lines end in all that a server can cause."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from downloader.errors import ErrorKind
from downloader.models import (
    Downloaded,
    Failed,
    Outcome,
    Sizes,
    Skipped,
    SkipReason,
    Timings,
    Unchanged,
)
from downloader.web.charset import CharsetSource
from downloader.web.filenames import SafePath
from tests.support.fault_server import FaultServer

#: Every timing, and only those that no response can do without.
TIMINGS = (Timings(0.1, 0.2, 0.3, 0.4, 0.5), Timings(None, None, None, 0.4))


def one_of_each() -> list[Outcome]:
    """Return an outcome for every member of every closed set; each is of the same line."""
    line: dict[str, Any] = {"index": 0, "origin": "list:1", "url": "https://h.example/"}
    sizes = [Sizes(1, 1, 1, "utf-8", source) for source in CharsetSource] + [Sizes(1, 1)]
    return [
        *(Failed(**line, kind=kind, message="failed") for kind in ErrorKind),
        *(Skipped(**line, reason=reason, detail="skipped") for reason in SkipReason),
        *(
            Downloaded(
                **line,
                path=SafePath(path),
                final_url=line["url"],
                redirects=(),
                status=200,
                http_version="1.1",
                media_type="text/plain",
                content_coding="",
                sizes=size,
                length_verified=True,
                etag="",
                last_modified="",
                sha256="0" * 64,
                attempts=1,
                resumed_at=0,
                set_aside="",
                started=1.0,
                seconds=1.0,
                timings=timings,
            )
            for path in ("", "file")
            for size in sizes
            for timings in (None, *TIMINGS)
        ),
        *(
            Unchanged(
                **line,
                path=SafePath("file"),
                size=1,
                characters=None,
                seconds=1.0,
                started=1.0,
                sha256=sha256,
            )
            for sha256 in ("", "0" * 64)
        ),
        Skipped(
            **line,
            reason=SkipReason.DONE,
            detail="already saved as file",
            path=SafePath("file"),
            size=1,
            characters=1,
            sha256="0" * 64,
        ),
    ]


#: Failures that no line of a list can cause by itself.
NOT_CAUSED_BY_LISTS = {
    ErrorKind.DISK: "needs a full disk",
    ErrorKind.INTERRUPTED: "needs a signal",
    ErrorKind.INTERNAL: "needs a defect",
    ErrorKind.ROBOTS: "needs links to be followed",
}
PATHS = {
    ErrorKind.CONNECT: "/close-without-answer",
    ErrorKind.TIMEOUT: "/stall-before-head",
    ErrorKind.HTTP_STATUS: "/status/404",
    ErrorKind.REDIRECT: "/redirect/itself",
    ErrorKind.PROTOCOL: "/garbage",
    ErrorKind.TRUNCATED: "/length-more-than-sent",
    ErrorKind.DECODE: "/coded/by-length/gzip-corrupt",
    ErrorKind.TOO_LARGE: "/coded/by-length/gzip-bomb",
}
SAVED = ["/page", "/large", "/empty", "/redirect/absolute", "/until-close", "/byte-order-mark"]


def list_of_outcomes(server: FaultServer) -> Iterator[str]:
    """Yield the rows of a CSV list with a line for each kind of outcome."""
    yield "url,name,sha256"
    for path in (*SAVED, SAVED[0], *PATHS.values()):
        yield f"{server.url(path)},,"
    yield "ftp://h.example/,,"
    yield "http://no-such-host.invalid/,,"
    yield f"{server.url('/page', scheme='https')},,"
    yield f"{server.url('/after')},,{'0' * 64}"
    yield f"{server.url('/before')},../outside,"


def downloaded_file(path: str, url: str = "http://h.test/") -> Downloaded:
    """Return the outcome of a small file that was saved."""
    outcomes = (each for each in one_of_each() if isinstance(each, Downloaded) and each.path)
    return replace(next(outcomes), path=SafePath(path), url=url)
