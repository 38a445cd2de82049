"""The files of client certificates: what is wrong with them, and the password of the key."""

import asyncio
import ssl
import sys
from pathlib import Path

import pytest

from downloader import Options
from downloader.errors import RunError
from tests.support.client_certificates import NAME, PASSWORD, CertificateFiles, certified_site
from tests.support.command import Command, CommandResult, finished
from tests.support.library import fetch
from tests.support.prompts import answer_prompt
from tests.support.web_server import Site

PAGE = "<p>inside"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cert", "none.pem"), "File 'none.pem' does not exist"),
        (("--cert", f":{PASSWORD}"), "it names no file"),
        (("--cert", "key.pem"), "key.pem holds no certificate in PEM"),
        (("--cert", "cert.pem"), "cert.pem holds no private key in PEM; see --cert and --key"),
        (("--cert", "client.p12"), "convert it: openssl pkcs12 -in FILE -out client.pem"),
        (("--cert", "cert.pem", "--key", "other-key.pem"), "is not that of the certificate in"),
        (("--cert", "damaged.pem", "--key", "key.pem"), "or its private key is damaged"),
        (("--cert", f"cert.pem:{PASSWORD}x", "--key", "encrypted.pem"), "wrong password for"),
        (("--cert", f"cert.pem:{'x' * 2000}", "--key", "encrypted.pem"), "wrong password for"),
        (("--cert", "cert.pem:", "--key", "encrypted.pem"), "wrong password for"),
        (("--cert", "cert.pem", "--key", "encrypted.pem"), "there is no terminal to ask for"),
        (("--key", "key.pem"), "--key needs --cert"),
    ],
)
async def test_a_certificate_that_cannot_be_used_is_one_clear_line_before_any_request(
    options: tuple[str, ...], message: str, site: Site, command: Command
) -> None:
    CertificateFiles.write(command.folder)
    (command.folder / "client.p12").write_bytes(b"\x30\x82\x01\x01")
    (command.folder / "damaged.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )
    ran = await in_session_without_terminal(command, *options, site.url())
    assert ran.status == 2
    assert message in ran.err[-1]
    assert PASSWORD not in "\n".join(ran.err)
    assert not site.requests


async def in_session_without_terminal(command: Command, *arguments: str) -> CommandResult:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "downloader", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=command.folder,
        env=command.environment,
    )
    return await finished(process)


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("--cert", f"cert.pem:{PASSWORD}"), {}),
        ((), {"DOWNLOAD_CERT": f"cert.pem:{PASSWORD}"}),
        (("--config", "config.toml"), {}),
    ],
    ids=["option", "variable", "config"],
)
async def test_an_encrypted_key_is_opened_with_its_password(
    options: tuple[str, ...],
    variables: dict[str, str],
    site: Site,
    command: Command,
) -> None:
    files = CertificateFiles.write(command.folder)
    (command.folder / "config.toml").write_text(f'cert = "cert.pem:{PASSWORD}"\n')
    command.environment |= variables
    site.pages = {"/": PAGE}
    async with certified_site(site, files, verify=ssl.CERT_REQUIRED, http2=False) as strict:
        ran = await command(
            *(*options, "--key", "encrypted.pem", "--cacert", "ca.pem", "--processes", "2"),
            *("--debug", "--report", "r.jsonl", strict.url(), strict.url("/?2")),
        )
    assert strict.clients()[0] == ("127.0.0.1", "/", NAME), ran.err
    assert PASSWORD not in "\n".join(ran.out + ran.err)
    (command.folder / "config.toml").unlink()
    kept = [path for path in command.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


async def test_the_password_is_asked_for_and_not_shown(site: Site, command: Command) -> None:
    files = CertificateFiles.write(command.folder)
    site.pages = {"/": PAGE}
    async with certified_site(site, files, verify=ssl.CERT_REQUIRED, http2=False) as strict:
        status, shown = await answer_prompt(
            command,
            f"{PASSWORD}\n",
            *("--cert", "cert.pem", "--key", "encrypted.pem", "--cacert", "ca.pem", "--no-save"),
            strict.url(),
        )
    assert "Password of encrypted.pem: " in shown
    assert PASSWORD not in shown
    assert status == 0, shown
    assert strict.clients() == [("127.0.0.1", "/", NAME)]


async def test_a_colon_in_the_name_of_a_file_has_a_backslash(site: Site, command: Command) -> None:
    files = CertificateFiles.write(command.folder)
    files.both.rename(command.folder / "a:b.pem")
    ran = await command("--cert", "a\\:b.pem", "--no-save", site.url())
    assert any("404" in line for line in ran.err), ran.err


async def test_the_library_asks_for_no_password(tmp_path: Path) -> None:
    files = CertificateFiles.write(tmp_path)
    options = Options(cert=files.cert, key=files.encrypted)
    with pytest.raises(RunError, match="needs a password"):
        await fetch(["http://127.0.0.1:9/"], tmp_path / "out", options)


def test_a_key_without_a_certificate_is_refused_and_no_password_shown() -> None:
    with pytest.raises(ValueError, match="need cert"):
        Options(key=Path("key.pem"))
    assert PASSWORD not in repr(Options(cert=Path("cert.pem"), cert_password=PASSWORD))
