"""The state of one URL between its first request and its outcome; what all transfers share."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from downloader.core.page_extractor import PageExtractor, PageToExtract
from downloader.core.response_filter import ResponseFilter
from downloader.errors import ErrorKind
from downloader.http import Client, RedirectTrail
from downloader.journal import Job, PartialFile, Submission
from downloader.journal.naming import Naming
from downloader.models import Downloaded, Skipped, TransferOptions, Unchanged
from downloader.scheduling import HostQueues, RateLimiter
from downloader.storage import Storage
from downloader.web import urls
from downloader.web.filenames import FileName
from downloader.web.urls import Url

#: A step of a transfer that the next run has to know of, if this one is killed.
TransferStep = PartialFile | Submission


class TransferJournal(Protocol):
    """The journal, as running transfers use it."""

    async def record_step(self, job: Job, step: TransferStep) -> None:
        """Record that a step begins; return once that is written.

        Raises:
            DiskError: the journal cannot be written.
        """

    async def claim_name(self, job: Job, names: Sequence[FileName]) -> FileName | None:
        """Give a URL the first of *names* that no other has; None if all are taken.

        Raises:
            DiskError: the journal cannot be written.
        """


@dataclass(slots=True)
class Transfer:
    """One URL, from its first request to its outcome.

    A transfer waits in the queue of the host that it requests next, is started, and waits again
    when it is retried, or when a redirect leads it to another host. It can be pickled.

    Attributes:
        job: what is fetched.
        partial_file: what the next attempt may resume.
        trail: the redirects of this attempt; None before an attempt.
        attempts: attempts so far, this one included.
        received: bytes of bodies over the wire so far.
        started: time of the first request, by :func:`time.monotonic`; None before that.
        was_submitted: whether a process may have sent a request that must not be sent twice; for
            the parent of that process.
    """

    job: Job
    partial_file: PartialFile | None
    trail: RedirectTrail | None = None
    attempts: int = 0
    received: int = 0
    started: float | None = None
    was_submitted: bool = False

    @property
    def host(self) -> str:
        """The host that is requested next."""
        return urls.host(self.trail.next if self.trail else self.job.target.url)

    @property
    def may_be_submitted(self) -> bool:
        """Whether the process that it was sent to may have sent what must not be sent twice."""
        request = self.trail.request if self.trail is not None else None
        return self.was_submitted or (request is not None and not request.is_idempotent)

    @property
    def seconds(self) -> float:
        """Seconds since the first request."""
        return 0.0 if self.started is None else time.monotonic() - self.started


@dataclass(frozen=True, slots=True)
class Requeue:
    """An attempt ended without an outcome: the transfer goes back to a host's queue.

    Attributes:
        seconds: the shortest wait before it is started again.
        kind: the failure that is retried, or None after a redirect.
    """

    seconds: float = 0.0
    kind: ErrorKind | None = None


@dataclass(frozen=True, slots=True)
class Redirected:
    """A URL that a page refers to redirects; its target is a URL of its own, fetched once.

    Attributes:
        to: the target of the redirect.
    """

    to: Url


@dataclass(slots=True)
class TransferMeter:
    """Bytes of bodies, over all transfers of a process.

    Attributes:
        received: received over the wire.
        buffered: decoded and held in memory, not yet written.
        large_bodies: bodies that are being written in pieces.
    """

    received: int = 0
    buffered: int = 0
    large_bodies: int = 0


@dataclass(frozen=True, slots=True)
class TransferContext:
    """The objects that all transfers of a process share.

    *naming* is None unless names depend on the answers of servers, *extractor* unless texts of
    pages are wanted. *attempt* makes one attempt at a transfer; by default, it downloads.
    """

    client: Client
    storage: Storage
    queues: HostQueues[Transfer]
    rate_limiter: RateLimiter | None
    meter: TransferMeter
    options: TransferOptions
    journal: TransferJournal
    attempt: "Attempt"
    naming: Naming | None = None
    response_filter: ResponseFilter | None = None
    extractor: PageExtractor | None = None


#: Makes one attempt at a transfer; returns its outcome or a wait, and raises UrlError.
Attempt = Callable[
    [Transfer, TransferContext],
    Awaitable[Downloaded | Unchanged | Skipped | Redirected | PageToExtract | Requeue],
]
