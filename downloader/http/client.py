"""An HTTP client: makes the requests of one URL, and follows its redirects itself."""

import time
from collections.abc import Container, Mapping, Sequence
from types import TracebackType
from typing import Self

from multidict import istr

from downloader.errors import ConnectError, RedirectError
from downloader.http.capture import exchange_of, finish_recording
from downloader.http.client_certificate import gets_certificate
from downloader.http.cookie_jar import CookieJar
from downloader.http.credentials import Credentials, RedirectTrail
from downloader.http.error_mapping import EXPECTED_ERRORS, RequestPhase, translate
from downloader.http.redirects import REDIRECTS, redirect_target
from downloader.http.replay import ReplayResponse, find_orphan, replay
from downloader.http.request_sender import RequestSender
from downloader.http.response import AnyResponse, Response, drain
from downloader.http.submission import redirect_request
from downloader.http.timings import Stopwatch
from downloader.http.tls_settings import TlsChoice
from downloader.models import RequestOptions
from downloader.models.exchange import (
    ExchangeRecorder,
    ExchangeRecording,
    OrphanSource,
    ReplaySource,
)
from downloader.web import urls
from downloader.web.urls import Url

#: The body of a redirect is read up to these limits, to reuse its connection.
_MAX_REDIRECT_BODY_BYTES = 64 * 1024
_MAX_REDIRECT_SECONDS = 1.0
_SET_COOKIE = istr("Set-Cookie")
_USUAL_TLS = TlsChoice()


class Client:
    """Makes requests; an asynchronous context manager.

    Args:
        options: the options of the run.
        recorder: records every exchange in an archive.
        replay_source: archives that all responses are read from instead of the network.
        orphans: responses of killed runs, which are looked for before a request is made.
        jar: the cookies of the run, which responses add to; without it, there are no cookies.
    """

    def __init__(
        self,
        options: RequestOptions,
        recorder: ExchangeRecorder | None = None,
        replay_source: ReplaySource | None = None,
        orphans: OrphanSource | None = None,
        *,
        jar: CookieJar | None = None,
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._replay_source = replay_source
        self._orphans = orphans
        self._reads_archives = replay_source is not None or orphans is not None
        self._credentials = Credentials(options, jar)
        self._jar = jar
        self._sender = RequestSender(
            options, self._credentials.default_headers, captures=recorder is not None
        )

    async def __aenter__(self) -> Self:
        await self._sender.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._sender.__aexit__(kind, error, traceback)

    def close_idle(self, hosts: Container[str] | None = None) -> None:
        """Close idle connections: all, or those to *hosts*, as :func:`.urls.host` names them."""
        self._sender.close_idle(hosts)

    def note_certificates(self, ends: dict[str, float]) -> None:
        """Note in *ends* when the certificates of hosts expire, in seconds since the epoch.

        This holds for connections that are made from now on.
        """
        self._sender.note_certificates(ends)

    async def get(
        self,
        trail: RedirectTrail,
        headers: Sequence[tuple[str, str]] = (),
        *,
        follow: bool = True,
        orphans_since: float | None = None,
        certified_home: Url | None = None,
    ) -> Response | None:
        """Make the next request of *trail*, and follow redirects to the same host.

        Args:
            trail: the redirects so far; it is extended.
            headers: sent with each request to the origin where the trail starts. Other origins get
                only those that hold no secrets.
            follow: whether to follow redirects to the same host; those that set cookies are
                followed anyway.
            orphans_since: look for an orphan of this time (seconds since the epoch) or later.
            certified_home: whose server gets the client certificate [the URL that the user named].

        Returns:
            The last response, whatever its status; or None if the next request of the trail has to
            wait its turn: it goes to another host, or requests to this one are delayed.

        Raises:
            UrlError: no response, or a redirect that cannot be followed.
        """
        chain = self._credentials.chain(trail, headers)
        while True:
            url = trail.next
            tls = _USUAL_TLS
            if self._sender.certified is not None:
                tls = self._tls_of(url, certified_home or trail.home or trail.start)
            watch = Stopwatch() if self._options.timings else None
            started_at = 0.0 if self._recorder is None else time.time()
            request_headers = chain.headers(url)
            replays = self._reads_archives
            response = await self._archived(url, trail, orphans_since) if replays else None
            if response is None:
                try:
                    request = self._sender.send(url, request_headers, tls, trail)
                    response = await (request if watch is None else watch.time(request))
                except EXPECTED_ERRORS as error:
                    raise translate(error, RequestPhase.REQUEST, url) from error
            recording = None
            if self._recorder is not None and not isinstance(response, ReplayResponse):
                recording = self._recorder.begin(exchange_of(response, url, trail, started_at))
            if self._jar is not None and _SET_COOKIE in response.headers:
                _store_cookies(self._jar, trail, response, request_headers)
            if response.status == 401 and chain.accept_challenge(
                url, response.headers.getall("WWW-Authenticate", ())
            ):
                await _drain_unused(response, recording)
                if self._options.delay:
                    return None
                continue
            if response.status not in REDIRECTS:
                return Response(response, url, trail.redirects, watch, recording)
            await self._redirect(trail, response, recording)
            if not (follow or trail.sets_cookies) or self._has_to_wait(url, trail.next):
                return None

    def _tls_of(self, url: Url, home: Url) -> TlsChoice:
        """Return which connection may be used for *url*; *home* is what the user named."""
        certified = self._sender.certified
        return certified if certified is not None and gets_certificate(url, home) else _USUAL_TLS

    def _has_to_wait(self, url: Url, redirected: Url) -> bool:
        """Return whether the target of a redirect has to wait its turn among those of its host."""
        return bool(self._options.delay) or urls.host(redirected) != urls.host(url)

    async def follow(self, url: Url, home: Url, *, certified: bool = False) -> Response:
        """Request *url*, follow its redirects to any host, and return the last response.

        Args:
            url: where to begin.
            home: the URL that the user named; only its origin gets credentials.
            certified: whether the server of *url* gets the client certificate all the same.

        Raises:
            UrlError: no response, or a redirect that cannot be followed.
        """
        trail = RedirectTrail(url, home)
        certified_home = url if certified else None
        while (response := await self.get(trail, certified_home=certified_home)) is None:
            pass
        return response

    async def _archived(
        self, url: Url, trail: RedirectTrail, orphans_since: float | None
    ) -> AnyResponse | None:
        """Return the response that an archive has, or None if the network is to be asked.

        Raises:
            ConnectError: no archive answers such a request.
        """
        if trail.request is not None:
            if self._replay_source is None:
                return None
            raise ConnectError("a web archive answers only a GET", retryable=False)
        if self._replay_source is not None:
            return await replay(self._replay_source, url)
        if self._orphans is not None and orphans_since is not None:
            return await find_orphan(self._orphans, url, orphans_since)
        return None

    async def _redirect(
        self,
        trail: RedirectTrail,
        response: AnyResponse,
        recording: ExchangeRecording | None,
    ) -> None:
        """Extend *trail* by a redirect; read its body.

        Raises:
            RedirectError: it cannot be followed, or there are too many.
        """
        url = trail.next
        try:
            try:
                target = redirect_target(response, url)
                trail.redirects += (url,)
                trail.statuses += (response.status,)
                if len(trail.redirects) > self._options.max_redirects:
                    raise RedirectError(
                        f"more than {self._options.max_redirects} redirects",
                        hint="see --max-redirects",
                    )
                if trail.request is not None:
                    redirect_request(trail, trail.request, response.status, target)
            except RedirectError:
                if recording is not None:
                    await _drain_redirect(response, recording)
                raise
            await _drain_redirect(response, recording)
        except BaseException as error:
            if recording is not None and not isinstance(error, RedirectError):
                finish_recording(recording, error, complete=False)
            raise
        finally:
            response.release()
        trail.next = target
        trail.challenges = 0


def _store_cookies(
    jar: CookieJar, trail: RedirectTrail, response: AnyResponse, request_headers: Mapping[str, str]
) -> None:
    """Store what a response sets; note in *trail* whether its request lacked one of the cookies."""
    stored = jar.store(trail.next, response.headers.getall(_SET_COOKIE))
    sent = request_headers.get("Cookie", "").split("; ")
    trail.sets_cookies |= not set(stored).issubset(sent)


async def _drain_unused(response: AnyResponse, recording: ExchangeRecording | None) -> None:
    """Read the body of a response that another request follows, and release the response."""
    try:
        await _drain_redirect(response, recording)
    except BaseException as error:
        if recording is not None:
            finish_recording(recording, error, complete=False)
        raise
    finally:
        response.release()


async def _drain_redirect(response: AnyResponse, recording: ExchangeRecording | None) -> None:
    await drain(
        response,
        recording,
        max_bytes=_MAX_REDIRECT_BODY_BYTES,
        max_seconds=_MAX_REDIRECT_SECONDS,
    )
