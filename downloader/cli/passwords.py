"""Passwords that options leave out are asked for on the terminal."""

from pathlib import Path
from typing import TypedDict

from downloader.errors import RunError
from downloader.web.text import printable


class CertificateFields(TypedDict):
    """The fields of Options that concern the client certificate."""

    cert: Path | None
    key: Path | None
    cert_password: str | None


def with_password(user: tuple[str, str | None] | None, hint: str) -> tuple[str, str] | None:
    """Return name and password; ask for a missing password on the terminal.

    Raises:
        RunError: there is no terminal; *hint* says what to do.
    """
    if user is None:
        return None
    name, password = user
    return name, _ask(name, hint) if password is None else password


def certificate_fields(cert: tuple[Path, str | None] | None, key: Path | None) -> CertificateFields:
    """Return the fields of Options, of a certificate that can be used.

    The password of an encrypted key is asked for on the terminal if there is none.

    Raises:
        RunError: a file cannot be used, or there is no terminal.
    """
    if cert is None:
        return CertificateFields(cert=None, key=None, cert_password=None)
    # Imported only for a certificate, because it takes a while.
    from downloader.http.client_certificate import ClientCertificate, PasswordNeededError

    file, password = cert
    try:
        ClientCertificate(file, key or file, password).check()
    except PasswordNeededError:
        password = _ask(
            str(key or file), "write --cert FILE:PASSWORD, or set DOWNLOAD_CERT=FILE:PASSWORD"
        )
        ClientCertificate(file, key or file, password).check()
    return CertificateFields(cert=file, key=key, cert_password=password)


def _ask(of: str, hint: str) -> str:
    # Imported only for a password to ask for.
    import getpass
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"Password of {printable(of)}: ")
        except (getpass.GetPassWarning, EOFError):
            raise RunError("there is no terminal to ask for a password", hint=hint) from None
