"""Types of option values for requests: methods, bodies, headers, credentials and addresses."""

import re
import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from downloader.cli.options.parameter_types import CommaSeparated, PathParam, refuse_nul
from downloader.errors import BadUrlError
from downloader.models import MAX_REQUEST_BODY_BYTES, HostAddresses, Request
from downloader.web import urls
from downloader.web.ip_addresses import is_ip_address
from downloader.web.proxies import parse_proxy
from downloader.web.text import format_size, printable

#: The file that stands for standard input.
_STDIN = "-"
#: The key in a context that says that a body was read from there.
BODY_FROM_STDIN = f"{__name__}.body_from_stdin"
#: Bytes that ``--data`` drops from files, as curl does.
_LINE_ENDS = b"\r\n\0"
#: A header field of servers is seldom longer.
_MAX_TOKEN_BYTES = 16 * 1024
_TOKEN = re.compile(r"[!-~]+")
#: A file and perhaps a password behind the first colon that no backslash escapes.
_CERTIFICATE = re.compile(r"(?P<file>(?:\\.|[^:\\]|\\$)*+)(?::(?P<password>.*))?", re.DOTALL)
_ESCAPED = re.compile(r"\\([:\\])")
_RESOLVE = re.compile(r"(?P<host>[^:\[\]]+):(?P<port>[0-9]{1,5}):(?P<addresses>.+)")
#: An address with a port; one of IPv6 in brackets.
_SERVER = re.compile(r"\[?([0-9.]+|(?<=\[)[^\[\]]+(?=\]))\]?(?::([0-9]{1,5}))?")
_MAX_PORT = 65_535


class MethodParam(click.ParamType[str]):
    """The method of requests."""

    name = "METHOD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the method."""
        try:
            return Request(str(value)).method
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class BinaryDataParam(click.ParamType[bytes]):
    """A body: a text, or ``@`` and the file that holds it; no message shows it."""

    name = "TEXT|@FILE"
    #: A variable holds one body, whatever is in it: it cannot have this character.
    envvar_list_splitter = "\0"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        """Return the body."""
        if isinstance(value, bytes):
            return value
        text = str(value)
        if text.startswith("@"):
            return self._of_file(self._read(text[1:], param, ctx))
        # What is not UTF-8 on the command line is sent as it was given.
        return text.encode("utf-8", "surrogateescape")

    @staticmethod
    def _of_file(data: bytes) -> bytes:
        """Return what is sent of a file."""
        return data

    def _read(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        place = "standard input" if name == _STDIN else printable(name)
        refuse_nul(self, name, param, ctx)
        try:
            if name == _STDIN:
                if sys.stdin is None:
                    self.fail("standard input is closed", param, ctx)
                if ctx is not None:
                    ctx.meta[BODY_FROM_STDIN] = True
                data = _beginning(sys.stdin.buffer)
            else:
                with Path(name).open("rb") as file:
                    data = _beginning(file)
        except OSError as error:
            self.fail(f"cannot read {place}: {error.strerror}", param, ctx)
        if len(data) > MAX_REQUEST_BODY_BYTES:
            limit = format_size(MAX_REQUEST_BODY_BYTES)
            self.fail(f"{place} is larger than {limit}", param, ctx)
        return data


class DataParam(BinaryDataParam):
    """A body, as curl's ``--data`` takes it: of a file, line ends are dropped."""

    @staticmethod
    def _of_file(data: bytes) -> bytes:
        """Return what is sent of a file."""
        return data.translate(None, _LINE_ENDS)


class HeaderParam(click.ParamType[tuple[str, str]]):
    """A request header field, ``Name: value``; in a variable, one on each line."""

    name = "'NAME: VALUE'"
    envvar_list_splitter = "\n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return name and value."""
        # Imported only for a header that is given, because it takes a while.
        from downloader.sources import parse_header

        if isinstance(value, tuple):
            name, text = value
            return str(name), str(text)
        try:
            return parse_header(str(value))
        except BadUrlError as error:
            self.fail(f"{error.message}; {error.hint}", param, ctx)


class HeaderTextParam(click.ParamType[str]):
    """A text that can be sent in a header field."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        text = str(value)
        if not text.isprintable():
            self.fail("it has control characters", param, ctx)
        return text


class ProxyParam(click.ParamType[str]):
    """The URL of a proxy, or an empty text for none; no message shows a password."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL."""
        text = str(value).strip()
        try:
            return parse_proxy(text).url if text else ""
        except ValueError as error:
            self.fail(str(error), param, ctx)


class UserParam(click.ParamType[tuple[str, str | None]]):
    """A name and a password, ``NAME[:PASSWORD]``; no message shows the password."""

    name = "NAME[:PASSWORD]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        """Return name and password; None for a password to ask for."""
        if isinstance(value, tuple):
            return value
        name, colon, password = str(value).partition(":")
        if not name and not password:
            self.fail("it has no name", param, ctx)
        if not f"{name}{password}".isprintable():
            self.fail("it has control characters", param, ctx)
        return name, password if colon else None


class BearerParam(click.ParamType[str]):
    """A bearer token (RFC 6750), or ``@`` and the file that holds it; no message shows it."""

    name = "TOKEN|@FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the token."""
        token, place = str(value), "it"
        if token.startswith("@"):
            place = printable(token[1:])
            refuse_nul(self, token, param, ctx)
            try:
                with Path(token[1:]).open("rb") as file:
                    token = file.read(_MAX_TOKEN_BYTES + 1).decode("latin-1").strip()
            except OSError as error:
                self.fail(f"cannot read {place}: {error.strerror}", param, ctx)
        if not token or len(token) > _MAX_TOKEN_BYTES or not _TOKEN.fullmatch(token):
            self.fail(f"{place} is not a token: ASCII without spaces", param, ctx)
        return token


class CertificateParam(click.ParamType[tuple[Path, str | None]]):
    r"""A file and the password of its key, ``FILE[:PASSWORD]``, as curl takes them.

    A colon of the file's name is written ``\:``. No message shows the password.
    """

    name = "FILE[:PASSWORD]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Path, str | None]:
        """Return the file and the password; None for one to ask for if the key is encrypted."""
        if isinstance(value, tuple):
            return value
        match = _CERTIFICATE.fullmatch(str(value))
        file = _ESCAPED.sub(r"\1", match["file"]) if match else ""
        if not match or not file:
            self.fail("it names no file", param, ctx)
        path: Path = PathParam(exists=True, dir_okay=False).convert(file, param, ctx)
        return path, match["password"]


class BrowserParam(click.ParamType[str]):
    """A browser, and perhaps the name or the folder of a profile: ``firefox[:PROFILE]``."""

    name = "firefox[:PROFILE]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return both, as they are written."""
        browser, colon, profile = str(value).partition(":")
        refuse_nul(self, value, param, ctx)
        if browser.lower() != "firefox" or (colon and not profile):
            self.fail(
                f"{printable(str(value))!r} is not firefox[:PROFILE]; "
                "for other browsers, export a file for --cookies",
                param,
                ctx,
            )
        return f"firefox{colon}{profile}"


class ResolveParam(click.ParamType[HostAddresses]):
    """The addresses of a host at a port, as curl takes them: ``HOST:PORT:ADDRESS[,ADDRESS]``."""

    name = "HOST:PORT:ADDRESS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> HostAddresses:
        """Return the addresses."""
        if isinstance(value, HostAddresses):
            return value
        match = _RESOLVE.fullmatch(str(value))
        if match is None or int(match["port"]) > _MAX_PORT:
            self.fail(f"{printable(str(value))!r} is not HOST:PORT:ADDRESS", param, ctx)
        host = match["host"]
        if host != "*":
            try:
                host = urls.hostname(urls.parse(f"http://{host}/"))
            except BadUrlError:
                self.fail(f"{printable(host)!r} is not the name of a host", param, ctx)
            if is_ip_address(host):
                self.fail(f"{host} is an address, which is not looked up", param, ctx)
        addresses = tuple(each.strip().strip("[]") for each in match["addresses"].split(","))
        for address in addresses:
            if not is_ip_address(address):
                self.fail(f"{printable(address)!r} is not an IP address", param, ctx)
        return HostAddresses(host, int(match["port"]), addresses)


class InterfaceParam(click.ParamType[str]):
    """The name of a network interface, or an address of this machine."""

    name = "NAME|ADDRESS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or the address without brackets."""
        # Imported only for an interface that is given, because it takes a while.
        from downloader.http.addresses import check_interface

        interface = str(value).strip("[]")
        if not interface or not interface.isprintable():
            self.fail(f"{printable(interface)!r} is not the name of an interface", param, ctx)
        try:
            check_interface(interface)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return interface


class DnsServersParam(CommaSeparated):
    """Addresses of name servers, separated by commas, each perhaps with a port."""

    name = "LIST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the addresses."""
        servers = tuple(self.texts(value))
        for server in servers:
            bracketed = _SERVER.fullmatch(server)
            address, port = bracketed.groups() if bracketed else (server, None)
            if not is_ip_address(address) or (port and not 0 < int(port) <= _MAX_PORT):
                self.fail(f"{printable(server)!r} is not the address of a name server", param, ctx)
        return servers


def _beginning(file: BinaryIO) -> bytes:
    """Return a file; of one that is too long, one byte more than is allowed."""
    return file.read(MAX_REQUEST_BODY_BYTES + 1)
