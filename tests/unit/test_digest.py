"""Answers to Digest challenges, and logins from a netrc file."""

from pathlib import Path

import pytest

from downloader.errors import RunError
from downloader.http.digest import DigestSession, Login
from downloader.http.netrc_file import NetrcFile

#: The examples of RFC 7616, sections 3.9.1 and 3.9.2, but for the algorithm's padding.
CHALLENGE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
RESPONSES = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}
MUFASA = Login(b"Mufasa", b"Circle of Life")


def session_of(*fields: str) -> DigestSession:
    session = DigestSession.from_fields(fields)
    assert session is not None
    return session


@pytest.mark.parametrize("algorithm", RESPONSES)
def test_the_examples_of_the_standard_are_answered_as_there(algorithm: str) -> None:
    session = session_of(CHALLENGE.format(algorithm))
    session.client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = session.authorization(MUFASA, "GET", "/dir/index.html")
    assert f'response="{RESPONSES[algorithm]}"' in answer
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in answer
    assert f"algorithm={algorithm}" in answer
    assert "qop=auth, nc=00000001" in answer
    assert "nc=00000002" in session.authorization(MUFASA, "GET", "/")


def test_the_strongest_of_several_challenges_is_answered() -> None:
    fields = [
        'Basic realm="x, Digest"',
        'Negotiate YII=, Digest realm="weak", nonce="1", Digest realm="", nonce="2", '
        'algorithm=SHA-256, Bearer realm="other"',
        'Digest realm="unknown", nonce="3", algorithm=SHA-1024',
    ]
    session = session_of(*fields)
    assert (session.algorithm, session.nonce, session.realm) == ("SHA-256", "2", "")


@pytest.mark.parametrize(
    "field",
    [
        "",
        "Digest",
        'Digest realm="x"',
        'Digest realm="x", nonce=""',
        'Digest realm="x", nonce="1", algorithm=unknown',
        'Digest realm="x", nonce="1", qop="auth-int"',
        'Basic realm="Digest", nonce="1"',
        # Of bytes that are not UTF-8, as aiohttp decodes them.
        'Digest realm="Gesch\udcfctzt", nonce="1"',
        'Digest realm="x", nonce="\udcfc"',
        'Digest realm="x", nonce="1", opaque="\udcfc"',
    ],
)
def test_what_cannot_be_answered_is_no_challenge(field: str) -> None:
    assert DigestSession.from_fields([field]) is None


def test_an_answer_cannot_be_broken_out_of() -> None:
    session = session_of(r'Digest realm="a\"b\\c", nonce=1, qop=auth, stale=TRUE, userhash=true')
    answer = session.authorization(Login(b'u"x', b"p"), "GET", "/")
    assert session.stale
    assert r'realm="a\"b\\c"' in answer
    assert "userhash=true" in answer
    assert 'u"x' not in answer


@pytest.mark.parametrize("piece", ["a", "a ", "a=", 'a="', r"\"", r'a="\"', 'Digest realm="x",'])
def test_hostile_challenges_are_read_in_linear_time(piece: str) -> None:
    # It would take minutes otherwise.
    session = DigestSession.from_fields([piece * 100_000])
    assert session is None


def test_a_login_does_not_show_its_password() -> None:
    assert "Circle" not in repr(MUFASA)


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path / "netrc"


NETRC = r"""
# A comment: machine no.test login no password no
machine h.test login first password one
machine h.test
  login "second user" password "two\" words" account any # a comment, machine and all
macdef init
  machine no.test login no password no

machine other.test password #alone login me
default login anonymous password guest
"""


@pytest.mark.parametrize(
    ("machine", "user", "login"),
    [
        ("h.test", None, Login(b"second user", b'two" words')),
        ("h.test", b"first", Login(b"first", b"one")),
        ("h.test", b"third", None),
        ("other.test", None, Login(b"me", b"#alone")),
        ("no.test", None, Login(b"anonymous", b"guest")),
        ("no.test", b"anonymous", Login(b"anonymous", b"guest")),
        ("no.test", b"me", None),
    ],
)
def test_netrc_has_several_users_of_a_machine(
    machine: str, user: bytes | None, login: Login | None, netrc: Path
) -> None:
    netrc.write_text(NETRC)
    assert NetrcFile().login(machine, user, default=True) == login


@pytest.mark.parametrize("text", ["word", "machine", "machine h.test login me secret x", "a\\"])
def test_a_malformed_netrc_is_refused_by_its_line(text: str, netrc: Path) -> None:
    netrc.write_text(f"# one\n{text}")
    with pytest.raises(RunError, match="line 2 is not in its format") as caught:
        NetrcFile()
    assert "secret" not in str(caught.value)
