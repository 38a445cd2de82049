"""The requests of a link check, in the place of downloads: HEAD, or GET and no more than is needed.

HEAD is believed only when it says that a link works. Many servers refuse it, or answer it in
another way than GET; so whatever else it says is asked again by GET.
"""

import asyncio
from dataclasses import dataclass, field

from downloader.core.body_reader import BodyReader
from downloader.core.sniffing import sniff_body
from downloader.core.transfer import Requeue, Transfer, TransferContext
from downloader.core.transfer_outcomes import measured_by_head
from downloader.errors import (
    ConnectError,
    DnsError,
    HttpStatusError,
    ProtocolError,
    TimedOutError,
    UrlError,
)
from downloader.http import RedirectTrail, Response
from downloader.http.response import status_error
from downloader.link_check.document_links import DocumentLinks, document_links
from downloader.link_check.link_policy import LinkPolicy
from downloader.link_check.link_table import Purpose, QueuedTarget
from downloader.links import Document, can_contain_links
from downloader.mirror.document_reader import MAX_DOCUMENT_BYTES
from downloader.mirror.scope import product_token
from downloader.models import Downloaded, Options, Request
from downloader.web import urls
from downloader.web.charset import header_charset
from downloader.web.media_types import PAGE_TYPES
from downloader.web.page_fields import page_fields
from downloader.web.urls import Url

#: Documents of at least this size are parsed in a thread.
_LARGE_BYTES = 128 * 1024
#: Bodies with more bytes are received a few at a time, so that they do not fill memory.
_HUGE_BYTES = 2 * 1024**2
_MAX_HUGE = 4
_HEAD = Request("HEAD")
#: Statuses of HEAD by which a host asks for fewer requests: another one would not help.
_OVERLOADED_STATUSES = frozenset({429, 503})
#: Hosts whose HEAD was wrong this often are asked by GET from the beginning.
_MAX_WRONG_HEADS = 3
_MAX_HOSTS = 10_000
#: A host that has not answered so many requests in a row gets no more: each would wait as long.
MAX_UNANSWERED = 20
#: Statuses of redirects that are meant to last (RFC 9110, 15.4.2 and 15.4.9).
_PERMANENT_REDIRECTS = frozenset({301, 308})


@dataclass(slots=True)
class LinkTransfer(Transfer):
    """The check of one target.

    Attributes:
        queued: the target.
        uses_head: whether the next request is a HEAD.
        document: the links of its document, once that was read.
        moved_to: where the target has moved for good; empty if it has not.
    """

    queued: QueuedTarget = field(kw_only=True)
    uses_head: bool = field(kw_only=True)
    document: DocumentLinks | None = None
    moved_to: str = ""


class LinkRequests:
    """Makes the requests; :meth:`attempt` is an :data:`~downloader.core.transfer.Attempt`."""

    def __init__(
        self, options: Options, policy: LinkPolicy, certificate_ends: dict[str, float] | None
    ) -> None:
        self._options = options
        self._policy = policy
        self._certificate_ends = certificate_ends
        self._robot = product_token(options.user_agent)
        self._wrong_heads: dict[str, int] = {}
        #: How many requests in a row a host has not answered.
        self._unanswered: dict[str, int] = {}
        self._huge = asyncio.Semaphore(_MAX_HUGE)

    def uses_head(self, target: QueuedTarget) -> bool:
        """Return whether the first request for a target is a HEAD."""
        if target.purpose is not Purpose.EXISTENCE or self._policy.uses_get(target.url):
            return False
        return self._wrong_heads.get(urls.host(target.url), 0) < _MAX_WRONG_HEADS

    async def attempt(self, transfer: Transfer, context: TransferContext) -> Downloaded | Requeue:
        """Make one attempt at a target.

        Raises:
            UrlError: the link is broken, or will be tried again.
        """
        if not isinstance(transfer, LinkTransfer):
            raise TypeError("not the check of a link")
        if self._certificate_ends is not None:
            context.client.note_certificates(self._certificate_ends)
        if self._unanswered.get(transfer.host, 0) >= MAX_UNANSWERED:
            raise TimedOutError(
                f"not asked, because {MAX_UNANSWERED} requests to its host had no answer",
                retryable=False,
            )
        if transfer.trail is None:
            transfer.attempts += 1
            transfer.trail = _trail_of(transfer)
        try:
            response = await context.client.get(transfer.trail, transfer.job.target.headers)
            self._unanswered.pop(transfer.host, None)
            if response is None:
                return Requeue()
            with response:
                await self._take(response, transfer, context)
                return measured_by_head(transfer, response)
        except UrlError as error:
            if isinstance(error, ConnectError | DnsError | TimedOutError):
                self._count_unanswered(transfer.host)
            if not transfer.uses_head or not _may_be_wrong(error):
                raise
        host = transfer.host
        if host in self._wrong_heads or len(self._wrong_heads) < _MAX_HOSTS:
            self._wrong_heads[host] = self._wrong_heads.get(host, 0) + 1
        transfer.uses_head = False
        transfer.trail = None
        transfer.attempts -= 1
        return Requeue()

    def _count_unanswered(self, host: str) -> None:
        if host in self._unanswered or len(self._unanswered) < _MAX_HOSTS:
            self._unanswered[host] = self._unanswered.get(host, 0) + 1

    async def _take(
        self, response: Response, transfer: LinkTransfer, context: TransferContext
    ) -> None:
        """Check the status of a response, and read its document if there is a reason to.

        Raises:
            UrlError: the link is broken, or will be tried again.
        """
        if response.status not in self._policy.accepted_statuses(response.url):
            raise status_error(response)
        transfer.moved_to = _moved_to(transfer.trail, response)
        if transfer.uses_head:
            return
        purpose = transfer.queued.purpose
        if purpose is Purpose.LINKS and not self._policy.is_internal(response.url, transfer.queued):
            purpose = Purpose.FRAGMENTS
        if purpose is not Purpose.EXISTENCE and response.status != 204:
            if not response.media_type:
                await sniff_body(response, self._options)
            if can_contain_links(response.media_type):
                await self._read(response, transfer, context)
                return
        await response.skip_body(recorded=False)

    async def _read(
        self, response: Response, transfer: LinkTransfer, context: TransferContext
    ) -> None:
        """Read a document.

        Raises:
            UrlError: its body is not whole.
        """
        reader = BodyReader(response, self._options, rate_limited=context.rate_limiter is not None)
        pieces: list[bytes] = []
        is_huge = False
        try:
            while data := await response.read_some():
                context.meter.received += len(data)
                transfer.received += len(data)
                for piece in reader.feed(data):
                    if piece:
                        pieces.append(piece)
                    else:
                        await asyncio.sleep(0)
                if reader.size > _HUGE_BYTES and not is_huge:
                    await self._huge.acquire()
                    is_huge = True
                if reader.size > MAX_DOCUMENT_BYTES:
                    transfer.document = _unread(response)
                    return
                if context.rate_limiter is not None:
                    await context.rate_limiter.throttle(len(data))
                if response.is_read:
                    break
            reader.finish()
            transfer.document = await self._parse(b"".join(pieces), response)
        finally:
            if is_huge:
                self._huge.release()

    async def _parse(self, body: bytes, response: Response) -> DocumentLinks:
        media_type = response.media_type
        document = Document(
            body,
            media_type,
            response.url,
            header_charset(response.content_type),
            page_fields(response.header_values)
            if media_type in PAGE_TYPES and response.has_page_fields
            else "",
            self._robot,
        )
        # For a small document, switching threads takes longer than parsing.
        if len(body) < _LARGE_BYTES:
            return document_links(document)
        return await asyncio.to_thread(document_links, document)


def _trail_of(transfer: LinkTransfer) -> RedirectTrail:
    queued = transfer.queued
    # Other sites need not know which page links to them.
    via = Url(queued.parent) if queued.parent and not queued.is_external else None
    return RedirectTrail(
        queued.url,
        None if queued.is_listed else queued.root,
        via,
        request=_HEAD if transfer.uses_head else None,
    )


def _may_be_wrong(error: UrlError) -> bool:
    """Return whether GET may succeed although HEAD has failed with *error*."""
    if isinstance(error, HttpStatusError):
        return error.status not in _OVERLOADED_STATUSES
    return isinstance(error, ConnectError | ProtocolError | TimedOutError)


def _moved_to(trail: RedirectTrail | None, response: Response) -> str:
    """Return the last URL that only permanent redirects lead to; empty if there is none."""
    if trail is None:
        return ""
    hops = (*trail.redirects[1:], response.url)
    moved_to = ""
    for status, target in zip(trail.statuses, hops, strict=False):
        if status not in _PERMANENT_REDIRECTS:
            break
        moved_to = target
    return moved_to


def _unread(response: Response) -> DocumentLinks:
    size = MAX_DOCUMENT_BYTES // 1024**2
    return DocumentLinks(response.url, [], [], None, (f"larger than {size} MiB, and not read",))
