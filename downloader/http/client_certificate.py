"""The certificate by which the user proves to servers who is asking (RFC 8446, section 4.4.2)."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from downloader.errors import RunError
from downloader.models import NetworkOptions
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url

_CERTIFICATE = re.compile(rb"-----BEGIN (?:(?:X509|TRUSTED) )?CERTIFICATE-----")
_PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
#: What a DER file, such as one of PKCS #12, begins with.
_DER_SEQUENCE = b"\x30"
#: Bytes of a file that are looked at, to say what is wrong with it.
_MAX_FILE_BYTES = 1024 * 1024
_HINT = "see --cert and --key"


class PasswordNeededError(RunError):
    """The private key is encrypted, and there is no password."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its private key.

    Attributes:
        certificate: a PEM file that begins with the certificate.
        key: a PEM file with the private key.
        password: of the private key, if it is encrypted.
    """

    certificate: Path
    key: Path
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_options(cls, options: NetworkOptions) -> "ClientCertificate | None":
        """Return the certificate that *options* name, or None."""
        if options.cert is None:
            return None
        return cls(options.cert, options.key or options.cert, options.cert_password)

    def check(self) -> None:
        """Check that the files can be used.

        Raises:
            PasswordNeededError, RunError: as :meth:`load_into`.
        """
        self.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have *context* send the certificate to servers that ask for one.

        Raises:
            PasswordNeededError: there is no password, and the key is encrypted.
            RunError: a file cannot be read, or not used.
        """
        is_encrypted = False

        def password() -> str:
            # Without this function, OpenSSL would ask on the terminal.
            nonlocal is_encrypted
            is_encrypted = True
            return self.password or ""

        try:
            context.load_cert_chain(self.certificate, self.key, password)
        except ssl.SSLError as error:
            raise self._problem(error, is_encrypted=is_encrypted) from None
        except ValueError:
            # The password is too long for OpenSSL.
            raise self._wrong_password() from None
        except OSError as error:
            raise self._unreadable(error) from None

    def _problem(self, error: ssl.SSLError, *, is_encrypted: bool) -> RunError:
        """Return what is wrong with the files; OpenSSL says little about it."""
        if is_encrypted and self.password is None:
            return PasswordNeededError(
                f"the private key in {_shown(self.key)} needs a password", hint=_HINT
            )
        if is_encrypted:
            return self._wrong_password()
        if error.reason == "KEY_VALUES_MISMATCH":
            return RunError(
                f"the private key in {_shown(self.key)} is not that of the certificate in "
                f"{_shown(self.certificate)}",
                hint=_HINT,
            )
        if error.reason:
            reason = error.reason.lower().replace("_", " ")
            return RunError(
                f"{_shown(self.certificate)} cannot be used: {printable(reason)}", hint=_HINT
            )
        try:
            certificates, keys = _beginning(self.certificate), _beginning(self.key)
        except OSError as unreadable:
            return self._unreadable(unreadable)
        if not _CERTIFICATE.search(certificates):
            hint = _HINT
            if certificates.startswith(_DER_SEQUENCE):
                hint = "convert it: openssl pkcs12 -in FILE -out client.pem"
            return RunError(f"{_shown(self.certificate)} holds no certificate in PEM", hint=hint)
        if not _PRIVATE_KEY.search(keys):
            return RunError(f"{_shown(self.key)} holds no private key in PEM", hint=_HINT)
        return RunError(
            f"the certificate in {_shown(self.certificate)} or its private key is damaged",
            hint=_HINT,
        )

    def _wrong_password(self) -> RunError:
        return RunError(
            f"wrong password for the private key in {_shown(self.key)}", hint="see --cert"
        )

    def _unreadable(self, error: OSError) -> RunError:
        # OpenSSL does not say which of the two files it was.
        for path in (self.certificate, self.key):
            try:
                path.open("rb").close()
            except OSError as found:
                return RunError(f"cannot read {_shown(path)}: {found.strerror}", hint=_HINT)
        return RunError(
            f"cannot read {_shown(self.certificate)}: {error.strerror or error}", hint=_HINT
        )


def gets_certificate(url: Url, home: Url) -> bool:
    """Return whether the server of *url* gets the certificate of a user who has named *home*.

    It does if it has the same origin, or is what http is upgraded to: https of the same host, both
    with their default ports.
    """
    origin, host = urls.origin(url), urls.hostname(home)
    named = urls.origin(home)
    return origin == named or (named == f"http://{host}" and origin == f"https://{host}")


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_FILE_BYTES)


def _shown(path: Path) -> str:
    return printable(str(path))
