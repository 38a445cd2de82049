"""Sites that need a login: passwords, tokens and digests, as options give them."""

import asyncio
import hashlib
import re
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Failed, Options, Outcome, Request, Target
from downloader.web.urls import Url
from tests.support.command import Command
from tests.support.http2_gateway import http2_gateway
from tests.support.library import fetch
from tests.support.prompts import answer_prompt
from tests.support.web_server import Site

USER, PASSWORD, TOKEN = "Aladdin", "open: sesame", "s3cret.t0ken"
LOGIN = Options(user=(USER, PASSWORD), retries=0)
INSIDE = "<p>inside"
LIMIT = 30


def authorization(request: web.Request) -> str:
    """Return the Authorization field, with what Basic encodes."""
    field = request.headers.get("Authorization", "")
    scheme, _, rest = field.partition(" ")
    return f"Basic {b64decode(rest).decode()}" if scheme == "Basic" else field


class DigestSite:
    """Answers requests that prove to know the password; each nonce serves so many requests."""

    def __init__(self, site: Site, *, uses: int = 1000, algorithm: str = "MD5") -> None:
        self.site = site
        self._uses, self._algorithm = uses, algorithm
        self._counts: dict[str, int] = {}

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        field = request.headers.get("Authorization", "")
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', field.removeprefix("Digest ")))
        right = bool(given) and given.get("response") == self._response(request, given)
        nonce = given.get("nonce", "")
        if right and self._counts.get(nonce, self._uses) < self._uses:
            self._counts[nonce] += 1
            return web.Response(text=INSIDE, content_type="text/html")
        nonce = f"nonce-{len(self._counts)}"
        self._counts[nonce] = 0
        challenge = f'Digest realm="cave", nonce="{nonce}", qop="auth", stale={str(right).lower()}'
        if self._algorithm != "MD5":
            challenge += f", algorithm={self._algorithm}"
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    def _response(self, request: web.Request, given: dict[str, str]) -> str:
        def hashed(text: str) -> str:
            new = hashlib.sha256 if self._algorithm == "SHA-256" else hashlib.md5
            return new(text.encode()).hexdigest()

        login = hashed(f"{USER}:cave:{PASSWORD}")
        asked = hashed(f"{request.method}:{request.path_qs}")
        parts = [given.get(name, "") for name in ("nonce", "nc", "cnonce", "qop")]
        return hashed(":".join([login, *parts, asked]))

    @property
    def schemes(self) -> list[str]:
        return [
            request.headers.get("Authorization", "-").split(" ")[0]
            for request in self.site.requests
        ]


async def fetched(site: Site, folder: Path, options: Options, *paths: str) -> list[Outcome]:
    async with asyncio.timeout(LIMIT):
        return await fetch([site.url(path) for path in paths], folder, options)


# Digest


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_digest_is_sent_where_it_is_asked_for(
    algorithm: str, site: Site, tmp_path: Path
) -> None:
    digest = DigestSite(site, algorithm=algorithm)
    site.pages = {"/a?q=%20": digest, "/b": digest}
    options = replace(LOGIN, concurrency=1)
    outcomes = await fetched(site, tmp_path, options, "/a?q=%20", "/b")
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes), outcomes
    # The second page's request already answers the challenge of the first one.
    assert digest.schemes == ["Basic", "Digest", "Digest"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_digest_is_of_the_method_and_the_body_is_sent_again(
    method: str, site: Site, tmp_path: Path
) -> None:
    digest = DigestSite(site)
    site.pages = {"/a": digest}
    target = Target(url=Url(site.url("/a")), request=Request(method, b"a=1"))
    (outcome,) = await fetch([target], tmp_path, replace(LOGIN, digest=True))
    assert isinstance(outcome, Downloaded)
    assert digest.schemes == ["-", "Digest"]
    assert [await request.read() for request in site.requests] == [b"a=1", b"a=1"]


async def test_with_digest_the_password_is_never_sent_as_it_is(site: Site, tmp_path: Path) -> None:
    digest = DigestSite(site)
    site.pages = {"/a": digest, "/basic": INSIDE}
    options = replace(LOGIN, digest=True, concurrency=1)
    outcomes = await fetched(site, tmp_path, options, "/basic", "/a")
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes), outcomes
    assert digest.schemes == ["-", "-", "Digest"]


async def test_a_wrong_password_is_tried_once_and_fails(site: Site, tmp_path: Path) -> None:
    digest = DigestSite(site)
    site.pages = {"/a": digest}
    options = replace(LOGIN, user=(USER, "wrong"), digest=True)
    (outcome,) = await fetched(site, tmp_path, options, "/a")
    assert isinstance(outcome, Failed)
    assert outcome.status == 401
    assert digest.schemes == ["-", "Digest"]


async def test_a_nonce_that_is_used_up_is_replaced(site: Site, tmp_path: Path) -> None:
    digest = DigestSite(site, uses=2)
    paths = [f"/{number}" for number in range(10)]
    site.pages = dict.fromkeys(paths, digest)
    options = replace(LOGIN, digest=True, concurrency=1)
    outcomes = await fetched(site, tmp_path, options, *paths)
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes), outcomes
    assert len(site.requests) == 10 + 5


async def test_a_server_that_calls_every_nonce_stale_does_not_hold_up_the_run(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": DigestSite(site, uses=0)}
    (outcome,) = await fetched(site, tmp_path, LOGIN, "/a")
    assert isinstance(outcome, Failed)
    assert len(site.requests) == 3


async def test_a_digest_waits_its_turn_with_a_delay(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": DigestSite(site)}
    (outcome,) = await fetched(site, tmp_path, replace(LOGIN, delay=0.01), "/a")
    assert isinstance(outcome, Downloaded)
    assert len(site.requests) == 2


async def test_a_challenge_of_another_origin_is_not_answered(site: Site, tmp_path: Path) -> None:
    digest = DigestSite(site)

    async def away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(site.url("/a").replace("127.0.0.1", "localhost"))

    site.pages = {"/away": away, "/a": digest}
    (outcome,) = await fetched(site, tmp_path, LOGIN, "/away")
    assert isinstance(outcome, Failed)
    assert digest.schemes == ["Basic", "-"]


async def test_a_digest_over_http2_and_in_an_archive(site: Site, tmp_path: Path) -> None:
    digest = DigestSite(site)
    site.pages = {"/a": digest}
    async with http2_gateway(site.server.port or 0, tmp_path / "ca.pem") as gateway:
        options = replace(LOGIN, cacert=tmp_path / "ca.pem", warc=tmp_path / "all.warc")
        async with asyncio.timeout(LIMIT):
            (outcome,) = await fetch([gateway.url("/a")], tmp_path / "out", options)
    assert isinstance(outcome, Downloaded), outcome
    assert digest.schemes == ["Basic", "Digest"]
    assert (tmp_path / "all.warc").read_bytes().count(b"WARC-Type: response") == 2


async def test_a_digest_with_processes(site: Site, command: Command) -> None:
    digest = DigestSite(site)
    site.pages = {"/a": digest, "/b": digest}
    ran = await command(
        *("--processes", "2", "--digest", "-u", f"{USER}:{PASSWORD}", "--report", "r.jsonl"),
        *("--debug", site.url("/a"), site.url("/b")),
    )
    assert ran.status == 0, ran.err
    assert PASSWORD not in "\n".join(ran.out + ran.err)
    kept = [path for path in command.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


# Options


@pytest.mark.parametrize(
    ("options", "variables", "sent"),
    [
        (("-u", f"{USER}:{PASSWORD}"), {}, f"Basic {USER}:{PASSWORD}"),
        (("--user", f"{USER}:"), {}, f"Basic {USER}:"),
        ((), {"DOWNLOAD_USER": f"{USER}:{PASSWORD}"}, f"Basic {USER}:{PASSWORD}"),
        (("--bearer", TOKEN), {}, f"Bearer {TOKEN}"),
        (("--bearer", "@token"), {}, f"Bearer {TOKEN}"),
        ((), {"DOWNLOAD_BEARER": TOKEN}, f"Bearer {TOKEN}"),
        (("--bearer", TOKEN, "-H", "Authorization: of-the-header"), {}, "of-the-header"),
    ],
)
async def test_the_command_logs_in(
    options: tuple[str, ...],
    variables: dict[str, str],
    sent: str,
    site: Site,
    command: Command,
) -> None:
    site.pages = {"/": INSIDE}
    (command.folder / "token").write_text(f"{TOKEN}\n")
    command.environment |= variables
    ran = await command(*options, "--no-save", site.url())
    assert ran.status == 0, ran.err
    assert [authorization(request) for request in site.requests] == [sent]


async def test_a_url_names_the_user_whose_password_netrc_has(site: Site, command: Command) -> None:
    site.pages = {"/": INSIDE}
    netrc = command.folder / ".netrc"
    netrc.write_text(
        "machine 127.0.0.1 login one password first\nmachine 127.0.0.1 login two password second\n"
    )
    netrc.chmod(0o600)
    url = site.url()
    for of in (url.replace("://", "://one@"), url.replace("://", "://other@"), url):
        assert (await command("--netrc", "--no-save", of)).status == 0
    assert [authorization(request) for request in site.requests] == [
        "Basic one:first",
        "Basic other:",
        "Basic two:second",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-u", ""), "it has no name"),
        (("-u", f"me\n:{PASSWORD}"), "it has control characters"),
        (("--bearer", f"{TOKEN} x"), "it is not a token"),
        (("--bearer", ""), "it is not a token"),
        (("--bearer", "@none"), "cannot read none: No such file"),
        (("--bearer", "@/dev/zero"), "/dev/zero is not a token"),
        (("--bearer", TOKEN, "-u", f"me:{PASSWORD}"), "--user and --bearer cannot be combined"),
        (("-u", "me"), "there is no terminal to ask for a password; write -u NAME:PASSWORD"),
    ],
)
async def test_a_login_that_cannot_be_is_one_clear_line_without_it(
    options: tuple[str, ...], message: str, command: Command
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "downloader", *options, "http://127.0.0.1:9/"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=command.folder,
        env=command.environment,
    )
    _, err = await asyncio.wait_for(process.communicate(), LIMIT)
    assert process.returncode == 2
    assert message in err.decode()
    assert PASSWORD not in err.decode()
    assert TOKEN not in err.decode()


async def test_a_missing_password_is_asked_for_and_not_shown(site: Site, command: Command) -> None:
    site.pages = {"/": INSIDE}
    status, shown = await answer_prompt(
        command, f"{PASSWORD}\n", "-u", USER, "--no-save", site.url()
    )
    assert f"Password of {USER}: " in shown
    assert status == 0, shown
    assert PASSWORD not in shown
    assert [authorization(request) for request in site.requests] == [f"Basic {USER}:{PASSWORD}"]


def test_the_options_do_not_show_what_is_secret() -> None:
    shown = repr(Options(user=(USER, PASSWORD), headers=(("X-Key", TOKEN),))) + repr(
        Options(bearer=TOKEN)
    )
    assert PASSWORD not in shown
    assert TOKEN not in shown
